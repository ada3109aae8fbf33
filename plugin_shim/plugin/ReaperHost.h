#pragma once

// In REAPER: selected items become clips, and stems become items under their original.
//
// REAPER's functions may be called on its main thread alone. That is JUCE's message thread on Windows
// and macOS; on Linux only while an editor is open, otherwise JUCE runs a thread of its own. So work
// for REAPER waits for REAPER's own timer, and what came of it goes back to the message thread.
// Items that take long are read in slices, a few milliseconds with each turn of that timer.

#include "Workspace.h"
#include "reaper/SelectionRead.h"

#include <juce_audio_processors/juce_audio_processors.h>

#include <atomic>
#include <functional>

namespace stemlasso
{

class PluginProcessor;

class ReaperHost final : public juce::ChangeBroadcaster,
                         private juce::AudioProcessorParameter::Listener
{
public:
    explicit ReaperHost (Workspace&);
    ~ReaperHost() override;

    /** From the processor's constructor: adds to it the parameters "Use selected items" and "Insert stems", which act when they are
        switched on and fall back by themselves, so that REAPER's actions, its controllers and its
        automation can press them; and the settings "Mute original" and "Insert takes". */
    void addParameters (PluginProcessor&);

    /** From setIHostApplication: host may be any host, or null. REAPER's main thread. */
    void attach (Steinberg::FUnknown* host);

    /** Whether this is REAPER. */
    bool isThere() const { return isReaper; }

    // Message thread. These return at once; listeners are told when it is done.
    void useSelectedItems(); ///< makes clips of them, each with the time selection as a span
    void cancelReading();    ///< keeps the clips that are made by now
    void insertStems();      ///< those of the selected clip
    /** What the newest of these has to say, or how far it is; empty when all went well. */
    juce::String words() const { return said; }
    /** Whether selected items are still on their way to clips. */
    bool isReading() const { return isBusy; }

    juce::AudioParameterBool& muteOriginal() { return *mutes; }
    juce::AudioParameterBool& insertTakes() { return *takes; }
    /** For a caller that knows to be on REAPER's main thread; null in other hosts. */
    const reaper::ReaperApi* functions() const { return api.get(); }

private:
    class Application;
    class Shared;
    using Work = std::function<void (ReaperHost&)>;

    void parameterValueChanged (int, float) override;
    void parameterGestureChanged (int, bool) override {}

    bool onReaper (Work); ///< false: there is no way to REAPER's thread from here
    void onMessages (Work);
    void everyTick();
    void readSelection();
    void readOn();
    void stopReading();
    void takeOver (const reaper::Selection&);
    void say (const juce::String&);

    Workspace& workspace;
    PluginProcessor* processor = nullptr; ///< that this is a part of
    juce::AudioParameterBool *useItems = nullptr, *insert = nullptr, *mutes = nullptr,
                             *takes = nullptr; ///< owned by the processor
    std::atomic<bool> isUsePressed{ false }, isInsertPressed{ false }, isReaper{ false },
        isBusy{ false };
    std::shared_ptr<Shared> shared;
    std::unique_ptr<Application> application;
    std::unique_ptr<reaper::ReaperApi> api;
    std::unique_ptr<reaper::SelectionRead> reading; ///< REAPER's main thread
    std::string progress;                           ///< the same
    juce::String said;

    JUCE_DECLARE_NON_COPYABLE_WITH_LEAK_DETECTOR (ReaperHost)
};

} // namespace stemlasso
