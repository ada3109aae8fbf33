#include "EditorStage.h"

#include <pluginterfaces/base/funknown.h>

#include <chrono>
#include <stdexcept>

namespace stemlasso::tests
{

static constexpr std::chrono::seconds patience (120);

void onMessages (const std::function<void()>& work)
{
    std::exception_ptr thrown;
    auto guarded = [&]
    {
        try
        {
            work();
        }
        catch (...)
        {
            thrown = std::current_exception();
        }
    };
    juce::MessageManager::getInstance()->callFunctionOnMessageThread (
        [] (void* context) -> void*
        {
            (*static_cast<decltype (guarded)*> (context))();
            return nullptr;
        },
        &guarded);
    if (thrown != nullptr)
        std::rethrow_exception (thrown);
}

bool comes (const std::function<bool()>& isSo)
{
    const auto end = std::chrono::steady_clock::now() + patience;
    auto found = false;
    while (! found && std::chrono::steady_clock::now() < end)
    {
        onMessages ([&] { found = isSo(); });
        if (! found)
            juce::Thread::sleep (5);
    }
    return found;
}

/** Answers as REAPER's host application does, and has none of its functions. */
class EditorStage::Host final : public Steinberg::FUnknown
{
public:
    Steinberg::tresult PLUGIN_API queryInterface (const Steinberg::TUID, void** object) override
    {
        *object = this;
        return Steinberg::kResultOk;
    }
    Steinberg::uint32 PLUGIN_API addRef() override { return 1; }
    Steinberg::uint32 PLUGIN_API release() override { return 1; }
    // REAPER's own, in its order
    virtual void* PLUGIN_API getReaperApi (const char*) { return nullptr; }
    virtual void* PLUGIN_API getReaperParent (Steinberg::uint32) { return nullptr; }
    virtual void* PLUGIN_API reaperExtended (Steinberg::uint32, void*, void*, void*)
    {
        return nullptr;
    }
};

static juce::MemoryBlock stateWith (const juce::StringArray& stems)
{
    juce::XmlElement root ("StemLasso");
    root.setAttribute ("version", 1);
    auto* work = root.createNewChildElement ("Workspace");
    work->setAttribute ("selected", "a");
    auto* clip = work->createNewChildElement ("Clip");
    clip->setAttribute ("id", "a");
    clip->setAttribute ("path", "/gone/Nocturne.wav");
    clip->setAttribute ("name", "Nocturne");
    clip->setAttribute ("sampleRate", "48000");
    clip->setAttribute ("samples", "480000");
    clip->setAttribute ("channels", "2");
    clip->createNewChildElement ("Prompt")->setAttribute ("description", "snare");
    for (const auto& path : stems)
    {
        auto* stem = clip->createNewChildElement ("Stem");
        stem->setAttribute ("role", clip->getNumChildElements() == 2 ? "target" : "residual");
        stem->setAttribute ("name", juce::File (path).getFileName());
        stem->setAttribute ("path", path);
    }
    juce::MemoryBlock block;
    juce::AudioProcessor::copyXmlToBinary (root, block);
    return block;
}

EditorStage::EditorStage (bool inReaper, bool withStems)
{
    juce::StringArray stems;
    if (withStems)
        for (const auto* name : { "snare.wav", "snare - residual.wav" })
        {
            const auto file = juce::File::getCurrentWorkingDirectory().getChildFile (name);
            file.create();
            stems.add (file.getFullPathName());
        }
    if (inReaper)
        host = std::make_unique<Host>();
    open (host.get(), stems);
}

EditorStage::EditorStage (Steinberg::FUnknown& itsHost) { open (&itsHost, {}); }

void EditorStage::open (Steinberg::FUnknown* itsHost, const juce::StringArray& stems)
{
    onMessages (
        [&]
        {
            processor = std::make_unique<PluginProcessor>();
            if (itsHost != nullptr)
                processor->setIHostApplication (itsHost);
            const auto state = stateWith (stems);
            processor->setStateInformation (state.getData(), int (state.getSize()));
            window = std::make_unique<PluginEditor> (*processor);
            window->addToDesktop (0);
            window->setVisible (true);
        });
    if (! comes (
            [this]
            { return window->hasKeyboardFocus (true) || (window->grabKeyboardFocus(), false); })
        || ! comes ([this] { return processor->work().selected() != nullptr; }))
        throw std::runtime_error ("the editor never came to the screen");
    onMessages ([this] { processor->poll(); });
}

EditorStage::~EditorStage()
{
    onMessages (
        [this]
        {
            window.reset();
            processor.reset();
        });
}

static void collect (juce::Component& part, std::vector<juce::Component*>& parts)
{
    if (! part.isVisible())
        return;
    parts.push_back (&part);
    for (auto* child : part.getChildren())
        collect (*child, parts);
}

std::vector<juce::Component*> EditorStage::parts()
{
    std::vector<juce::Component*> found;
    collect (*window, found);
    return found;
}

juce::Component& EditorStage::part (const juce::String& id)
{
    for (auto* each : parts())
        if (each->getComponentID() == id)
            return *each;
    throw std::runtime_error (("there is no " + id).toStdString());
}

bool EditorStage::isShown (const juce::String& id)
{
    auto found = false;
    onMessages (
        [&]
        {
            for (auto* each : parts())
                found = found || each->getComponentID() == id;
        });
    return found;
}

bool EditorStage::press (const juce::String& id, const juce::KeyPress& key)
{
    // In one go: the window manager may take the keys away between two messages.
    auto isWanted = false;
    const auto hasPressed = [&]
    {
        auto& wanted = part (id);
        wanted.grabKeyboardFocus();
        if (! wanted.hasKeyboardFocus (true))
            return false;
        isWanted = window->getPeer()->handleKeyPress (key);
        return true;
    };
    if (! comes (hasPressed))
        throw std::runtime_error ((id + " does not take the keys").toStdString());
    return isWanted;
}

} // namespace stemlasso::tests
