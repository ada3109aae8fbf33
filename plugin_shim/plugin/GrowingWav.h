#pragma once

// A float WAV file that is still being written: its header does not know its length yet.

#include <juce_audio_basics/juce_audio_basics.h>

namespace stemlasso
{

class GrowingWav
{
public:
    /** None when it is not there, or not as takes are. */
    static std::unique_ptr<GrowingWav> open (const juce::File&);

    int channels() const { return channelCount; }
    /** Reads from a frame on, as many as are there and as the buffer holds; gives their number. */
    int read (std::int64_t fromFrame, juce::AudioBuffer<float>&);

private:
    GrowingWav() = default;
    bool findData();

    std::unique_ptr<juce::FileInputStream> stream;
    juce::HeapBlock<float> frames;
    std::int64_t dataStart = 0, frameCapacity = 0;
    int channelCount = 0;
};

} // namespace stemlasso
