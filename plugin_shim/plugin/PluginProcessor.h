#pragma once

// Passes audio through bit for bit at zero latency, captures it while armed, and keeps the state.
// Nothing else.

#include "HostClock.h"
#include "ReaperHost.h"
#include "Workspace.h"
#include "capture/Recorder.h"

#include <juce_audio_processors/juce_audio_processors.h>

#include <atomic>

namespace stemlasso
{

class PluginProcessor final : public juce::AudioProcessor,
                              public juce::VST3ClientExtensions,
                              private juce::AudioProcessorParameter::Listener,
                              private juce::AsyncUpdater,
                              private juce::Timer
{
public:
    PluginProcessor();
    ~PluginProcessor() override;

    void prepareToPlay (double sampleRate, int largestBlock) override;
    void releaseResources() override;
    bool isBusesLayoutSupported (const BusesLayout&) const override;
    bool supportsDoublePrecisionProcessing() const override { return true; }
    void processBlock (juce::AudioBuffer<float>&, juce::MidiBuffer&) override;
    void processBlock (juce::AudioBuffer<double>&, juce::MidiBuffer&) override;
    void processBlockBypassed (juce::AudioBuffer<float>&, juce::MidiBuffer&) override;
    void processBlockBypassed (juce::AudioBuffer<double>&, juce::MidiBuffer&) override;

    juce::AudioProcessorEditor* createEditor() override;
    bool hasEditor() const override { return true; }

    const juce::String getName() const override { return "StemLasso"; }
    bool acceptsMidi() const override { return false; }
    bool producesMidi() const override { return false; }
    double getTailLengthSeconds() const override { return 0; }
    int getNumPrograms() override { return 1; }
    int getCurrentProgram() override { return 0; }
    void setCurrentProgram (int) override {}
    const juce::String getProgramName (int) override { return {}; }
    void changeProgramName (int, const juce::String&) override {}
    void getStateInformation (juce::MemoryBlock&) override;
    void setStateInformation (const void*, int) override;
    void updateTrackProperties (const TrackProperties&) override;

    void setIHostApplication (Steinberg::FUnknown*) override;
    std::int32_t queryIAudioProcessor (const Steinberg::TUID, void** object) override;

    /** Message thread, often: takes that have ended become clips, and the workspace takes over what
        the engine said. Done by itself as long as there is a clip or a take, with an editor or
        without. */
    void poll();

    Workspace& work() { return workspace; }
    capture::Recorder& capturer() { return *recorder; }
    /** Message thread: why the newest take is no clip, or not a whole one; empty when all is well. */
    const juce::String& captureProblem() const { return problemOfTake; }
    juce::AudioParameterBool& arm() { return *armed; }
    ReaperHost& reaper() { return reaperHost; }

private:
    template <typename Sample>
    void hear (const juce::AudioBuffer<Sample>&, bool isArmed) noexcept;

    void parameterValueChanged (int, float) override;
    void parameterGestureChanged (int, bool) override {}
    void handleAsyncUpdate() override;
    void timerCallback() override { poll(); }

    void takeOverState();
    void takeOverTakes();
    WorkClip clipOf (const capture::Take&) const;
    void finishStaleTake (const capture::Take&);
    void separateIfPressed();
    void tellOfEdits();
    juce::ValueTree wholeState() const;

    juce::AudioParameterBool *armed, *separates; ///< owned by the base class
    std::atomic<bool> isSeparatePressed{ false };
    HostClock hostClock;
    std::unique_ptr<capture::Recorder> recorder;

    // message thread
    std::uint64_t editsTold = 0; ///< to the host, so that it asks its user to save
    std::uint64_t takesSeen = 0; ///< the number of the last take that became a clip
    juce::String problemOfTake;
    std::int64_t staleSamples = -1;
    juce::uint32 movedAt = 0; ///< when the open take got longer, in ms

    // any thread: hosts ask for the state, and give one, on threads of their choice
    juce::CriticalSection stateLock;
    juce::ValueTree restoredState{ "StemLasso" }; ///< with what another version added
    juce::ValueTree waitingWorkspace; ///< given by the host, not taken over yet; none: invalid
    juce::String trackName;

    Workspace workspace;
    ReaperHost reaperHost{ workspace };

    JUCE_DECLARE_NON_COPYABLE_WITH_LEAK_DETECTOR (PluginProcessor)
};

} // namespace stemlasso
