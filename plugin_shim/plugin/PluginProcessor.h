#pragma once

// Passes audio through bit for bit at zero latency, captures it while armed, and keeps the state.
// Nothing else.

#include "ReaperHost.h"
#include "Workspace.h"
#include "capture/Recorder.h"

#include <juce_audio_processors/juce_audio_processors.h>

namespace stemlasso
{

class PluginProcessor final : public juce::AudioProcessor, public juce::VST3ClientExtensions
{
public:
    PluginProcessor();
    ~PluginProcessor() override;

    void prepareToPlay (double sampleRate, int largestBlock) override;
    void releaseResources() override {}
    bool isBusesLayoutSupported (const BusesLayout&) const override;
    void processBlock (juce::AudioBuffer<float>&, juce::MidiBuffer&) override;
    using juce::AudioProcessor::processBlock;

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

    void setIHostApplication (Steinberg::FUnknown*) override;

    /** Message thread, often while an editor is open: takes that have ended become clips, and the
        workspace takes over what the engine said. */
    void poll();

    Workspace& work() { return workspace; }
    capture::Recorder& capturer() { return *recorder; }
    juce::AudioParameterBool& arm() { return *armed; }
    ReaperHost& reaper() { return reaperHost; }

private:
    juce::AudioParameterBool* armed; ///< owned by the base class
    std::unique_ptr<capture::Recorder> recorder;
    Workspace workspace;
    ReaperHost reaperHost{ workspace };

    JUCE_DECLARE_NON_COPYABLE_WITH_LEAK_DETECTOR (PluginProcessor)
};

} // namespace stemlasso
