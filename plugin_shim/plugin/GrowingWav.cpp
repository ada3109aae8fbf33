#include "GrowingWav.h"

namespace stemlasso
{

static constexpr int mostChannels = 64;

std::unique_ptr<GrowingWav> GrowingWav::open (const juce::File& file)
{
    std::unique_ptr<GrowingWav> wav (new GrowingWav());
    wav->stream = file.createInputStream();
    if (wav->stream == nullptr || ! wav->findData())
        return nullptr;
    return wav;
}

bool GrowingWav::findData()
{
    char name[4];
    if (stream->read (name, 4) != 4
        || (std::memcmp (name, "RIFF", 4) != 0 && std::memcmp (name, "RF64", 4) != 0))
        return false;
    stream->setPosition (12);
    auto isFloat = false;
    while (stream->read (name, 4) == 4)
    {
        const auto size = std::int64_t (juce::uint32 (stream->readInt()));
        const auto start = stream->getPosition();
        if (std::memcmp (name, "data", 4) == 0)
        {
            dataStart = start;
            return isFloat && channelCount > 0 && channelCount <= mostChannels;
        }
        if (std::memcmp (name, "fmt ", 4) == 0)
        {
            const auto tag = juce::uint16 (stream->readShort());
            channelCount = juce::uint16 (stream->readShort());
            stream->setPosition (start + 14);
            isFloat = (tag == 3 || tag == 0xfffe) && stream->readShort() == 32;
        }
        stream->setPosition (start + size + (size & 1));
    }
    return false;
}

int GrowingWav::read (std::int64_t fromFrame, juce::AudioBuffer<float>& buffer)
{
    const auto frameBytes = std::int64_t (sizeof (float)) * channelCount;
    const juce::int64 there = (stream->getFile().getSize() - dataStart) / frameBytes - fromFrame;
    const auto wanted = std::min (there, juce::int64 (buffer.getNumSamples()));
    if (wanted <= 0)
        return 0;
    if (frameCapacity < wanted)
    {
        frames.malloc (wanted * channelCount);
        frameCapacity = wanted;
    }
    stream->setPosition (dataStart + fromFrame * frameBytes);
    const auto bytes = stream->read (frames.get(), int (wanted * frameBytes));
    const auto count = int (std::max (bytes, 0) / frameBytes);
    for (int channel = 0; channel < buffer.getNumChannels(); ++channel)
        for (int i = 0; i < count; ++i)
            buffer.setSample (channel, i,
                              frames[i * channelCount + std::min (channel, channelCount - 1)]);
    return count;
}

} // namespace stemlasso
