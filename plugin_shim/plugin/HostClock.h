#pragma once

// The place of a block as a VST3 host says it. JUCE's wrapper makes every place before the timeline's
// start a 0, so that a pre-roll would be captured as if it lay there.
//
//     host --process()--> HostClock --process()--> JUCE's wrapper --> PluginProcessor

#include <juce_audio_processors/juce_audio_processors.h>

#include <optional>

namespace stemlasso
{

class HostClock
{
public:
    HostClock();
    ~HostClock();

    /** Answers VST3ClientExtensions::queryIAudioProcessor. wrapper: is asked where this is not. */
    std::int32_t query (const Steinberg::TUID, juce::AudioPlayHead* wrapper, void** object);

    /** Audio thread, in a block: of its first sample, in samples, negative before the timeline's start.
        None when no VST3 host called, or it said nothing. */
    std::optional<std::int64_t> position() const noexcept;

private:
    class Passage;
    std::unique_ptr<Passage> passage;
};

} // namespace stemlasso
