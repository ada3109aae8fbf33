#include "ReaperHost.h"

#include "PluginProcessor.h"
#include "StemPlan.h"

#include <pluginterfaces/base/funknown.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <thread>

namespace stemlasso::vst3 // COM interfaces in an anonymous namespace break with GCC
{

/** What REAPER's host application is beside what VST3 says. */
class IReaperHostApplication : public Steinberg::FUnknown
{
public:
    virtual void* PLUGIN_API getReaperApi (const char* name) = 0;
    virtual void* PLUGIN_API getReaperParent (Steinberg::uint32 which) = 0;
    virtual void* PLUGIN_API reaperExtended (Steinberg::uint32 call, void*, void*, void*) = 0;
};

static const Steinberg::TUID reaperHostApplicationId =
    INLINE_UID (0x79655E36, 0x77EE4267, 0xA573FEF7, 0x4912C27C);
constexpr Steinberg::uint32 parentProject = 3;

} // namespace stemlasso::vst3

namespace stemlasso
{

namespace
{
using Register = int (*) (const char* what, void* info);
constexpr auto slice =
    std::chrono::milliseconds (8); ///< REAPER's timer runs some 30 times a second
constexpr const char* noWay =
    "Open the plug-in's window: this REAPER lets it work only from there.";

/** All that live in REAPER. Only on REAPER's main thread, as REAPER's timer has no place for a "this". */
std::vector<ReaperHost*>& living()
{
    static std::vector<ReaperHost*> hosts;
    return hosts;
}
} // namespace

/** What outlives a ReaperHost: work that is under way between two threads. */
class ReaperHost::Shared
{
public:
    explicit Shared (ReaperHost& hostToUse) : host (&hostToUse) {}

    void run (const Work& work)
    {
        const std::lock_guard lock (life);
        if (host != nullptr)
            work (*host);
    }

    [[nodiscard]] std::unique_lock<std::recursive_mutex> hold() { return std::unique_lock (life); }

    void forget()
    {
        const std::lock_guard lock (life);
        host = nullptr;
    }

    void push (Work work)
    {
        const std::lock_guard lock (queue);
        waiting.push_back (std::move (work));
    }

    std::deque<Work> takeAll()
    {
        const std::lock_guard lock (queue);
        return std::exchange (waiting, {});
    }

private:
    std::recursive_mutex life; ///< work may ask for more work at once
    std::mutex queue;
    ReaperHost* host;
    std::deque<Work> waiting;
};

/** REAPER's host application while we know it, and REAPER's timer while one of us needs it. */
class ReaperHost::Application
{
public:
    Application (vst3::IReaperHostApplication* known, ReaperHost& host)
        : application (known), self (host), thread (std::this_thread::get_id())
    {
        living().push_back (&self);
        timer = reinterpret_cast<Register> (application->getReaperApi ("plugin_register"));
        if (timer != nullptr && ! isTicking) // one for all of us
            isTicking = timer ("timer", reinterpret_cast<void*> (&tick)) != 0;
        hasTimer = isTicking;
    }

    ~Application()
    {
        std::erase (living(), &self);
        if (living().empty() && timer != nullptr && std::exchange (isTicking, false))
            timer ("-timer", reinterpret_cast<void*> (&tick));
        application->release();
    }

    std::unique_ptr<reaper::ReaperApi> functions() const
    {
        return std::make_unique<reaper::ReaperApi> (
            [reaper = application] (const char* name) { return reaper->getReaperApi (name); },
            [reaper = application] { return reaper->getReaperParent (vst3::parentProject); });
    }

    bool isHere() const { return std::this_thread::get_id() == thread; }
    bool hasTimer = false;

private:
    static void tick()
    {
        for (auto* host : std::vector (living()))
            host->everyTick();
    }

    vst3::IReaperHostApplication* application;
    ReaperHost& self;
    std::thread::id thread;
    Register timer = nullptr;
    static inline bool isTicking = false; ///< as living()
};

ReaperHost::ReaperHost (Workspace& workspaceToUse)
    : workspace (workspaceToUse), shared (std::make_shared<Shared> (*this))
{
}

void ReaperHost::addParameters (PluginProcessor& owner)
{
    processor = &owner;
    const auto add = [&owner] (const char* id, const char* name)
    {
        auto* parameter = new juce::AudioParameterBool ({ id, 1 }, name, false);
        owner.addParameter (parameter);
        return parameter;
    };
    useItems = add ("use_items", "Use selected items");
    insert = add ("insert_stems", "Insert stems");
    mutes = add ("mute_original", "Mute original");
    takes = add ("insert_takes", "Insert takes");
    useItems->addListener (this);
    insert->addListener (this);
}

ReaperHost::~ReaperHost()
{
    for (auto* parameter : { useItems, insert })
        if (parameter != nullptr)
            parameter->removeListener (this);
    shared->forget(); // what runs on the message thread ends first
    attach (nullptr);
}

void ReaperHost::attach (Steinberg::FUnknown* host)
{
    const auto lock = shared->hold(); // work on the message thread asks for the application
    isReaper = false;
    isBusy = false;
    reading.reset(); // and with it REAPER's accessor and the unfinished file
    api.reset();
    application.reset();
    void* known = nullptr;
    if (host == nullptr
        || host->queryInterface (vst3::reaperHostApplicationId, &known) != Steinberg::kResultOk
        || known == nullptr)
        return;
    application =
        std::make_unique<Application> (static_cast<vst3::IReaperHostApplication*> (known), *this);
    api = application->functions();
    isReaper = true;
}

void ReaperHost::parameterValueChanged (int index, float value)
{
    // any thread, the audio thread as well: note it and leave
    if (value >= 0.5f)
        (index == useItems->getParameterIndex() ? isUsePressed : isInsertPressed) = true;
}

bool ReaperHost::onReaper (Work work)
{
    if (application == nullptr)
        return false;
    if (application->isHere())
        work (*this);
    else if (application->hasTimer)
        shared->push (std::move (work));
    else
        return false;
    return true;
}

void ReaperHost::onMessages (Work work)
{
    if (juce::MessageManager::getInstance()->isThisTheMessageThread())
        work (*this);
    else
        juce::MessageManager::callAsync (
            [work = std::move (work), weak = std::weak_ptr (shared)]
            {
                if (auto strong = weak.lock())
                    strong->run (work);
            });
}

void ReaperHost::everyTick()
{
    for (const auto& work : shared->takeAll())
        work (*this);
    if (isUsePressed.exchange (false))
    {
        onMessages ([] (ReaperHost& host) { host.useItems->setValueNotifyingHost (0); });
        readSelection();
    }
    else if (reading != nullptr)
    {
        readOn();
    }
    if (isInsertPressed.exchange (false))
        onMessages (
            [] (ReaperHost& host)
            {
                host.insert->setValueNotifyingHost (0);
                host.insertStems();
            });
}

void ReaperHost::useSelectedItems()
{
    if (! onReaper ([] (ReaperHost& host) { host.readSelection(); }))
        say (isReaper ? noWay : "This host is not REAPER: capture the clip, or drop a file.");
}

void ReaperHost::cancelReading()
{
    onReaper (
        [] (ReaperHost& host)
        {
            if (host.reading == nullptr)
                return;
            host.reading->cancel();
            host.stopReading();
        });
}

void ReaperHost::readSelection()
{
    if (reading != nullptr)
        return; // the window says what it is at
    auto folder = api->mediaFolder();
    if (folder.empty())
        folder = juce::File::getSpecialLocation (juce::File::tempDirectory)
                     .getFullPathName()
                     .toStdString();
    reading = api->startReading (folder + "/StemLasso");
    isBusy = true;
    readOn();
    while (reading != nullptr && ! application->hasTimer)
        readOn(); // there is no other turn
}

void ReaperHost::readOn()
{
    if (reading->advance (slice))
        return stopReading();
    if (auto words = reading->progress(); words != progress)
    {
        progress = words;
        onMessages (
            [words] (ReaperHost& host)
            {
                if (host.isBusy)
                    host.say (juce::String::fromUTF8 (words.c_str()));
            });
    }
}

void ReaperHost::stopReading()
{
    isBusy = false;
    progress.clear();
    onMessages ([found = reading->result()] (ReaperHost& host) { host.takeOver (found); });
    reading.reset();
}

void ReaperHost::takeOver (const reaper::Selection& selection)
{
    juce::StringArray lines;
    for (const auto& each : selection.items)
    {
        WorkClip clip;
        clip.id = juce::Uuid().toDashedString();
        clip.kind = ClipKind::reaperItem;
        clip.source = { each.item.file,
                        each.item.name,
                        { "REAPER",
                          each.item.project,
                          each.item.trackName,
                          each.item.startSeconds,
                          {},
                          each.tempoBpm } };
        clip.item = each.item;
        if (each.timeSelection)
            clip.prompt.spans = { { each.timeSelection->startSeconds,
                                    each.timeSelection->endSeconds, true } };
        lines.add (workspace.add (std::move (clip)));
        lines.add (juce::String::fromUTF8 (each.remark.c_str()));
    }
    for (const auto& refusal : selection.refusals)
        lines.add (juce::String::fromUTF8 (refusal.c_str()));
    lines.removeEmptyStrings();
    say (lines.joinIntoString ("\n"));
    processor->poll(); // from now on there is a clip to look after, also without an editor
}

void ReaperHost::insertStems()
{
    const auto* clip = workspace.selected();
    if (clip == nullptr || ! clip->item)
        return say ("Only clips that were made of REAPER's items have a place to insert stems at.");
    if (clip->stems.empty())
        return say ("There are no stems to insert yet: separate the clip first.");
    const auto work = [item = *clip->item, stems = stemsToInsert (*clip, takes->get()),
                       muted = mutes->get(), job = jobOf (*clip)] (ReaperHost& host)
    {
        const auto why = host.api->insert (item, stems, muted, job);
        host.onMessages ([why] (ReaperHost& same)
                         { same.say (juce::String::fromUTF8 (why.c_str())); });
    };
    if (! onReaper (work))
        say (isReaper ? noWay : "This host is not REAPER: drag the stems onto its timeline.");
}

void ReaperHost::say (const juce::String& words)
{
    said = words;
    sendChangeMessage();
}

} // namespace stemlasso
