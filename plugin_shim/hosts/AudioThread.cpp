#include "AudioThread.h"

#include <chrono>

namespace stemlasso::hosting
{

AudioThread::AudioThread()
{
    for (auto* channel : { &sent[0], &sent[1], &got[0], &got[1] })
        channel->resize (largestBlock);
    for (auto& channel : sent)
        for (auto& sample : channel)
        {
            const auto bits = std::uint32_t (random());
            std::memcpy (&sample, &bits, sizeof (sample));
        }
    thread = std::thread ([this] { run(); });
}

AudioThread::~AudioThread()
{
    isEnding = true;
    thread.join();
}

void AudioThread::add (Vst3Plugin& plugin)
{
    plugin.prepare (48000, largestBlock);
    const std::lock_guard lock (mutex);
    plugins.push_back (&plugin);
}

void AudioThread::remove (Vst3Plugin& plugin)
{
    const std::lock_guard lock (mutex);
    std::erase (plugins, &plugin);
}

void AudioThread::automate (Vst3Plugin& plugin, const std::string& name, double value)
{
    long before = 0;
    {
        const std::lock_guard lock (mutex);
        plugin.automate (name, value);
        before = nRounds;
    }
    while (nRounds == before)
        std::this_thread::sleep_for (std::chrono::milliseconds (1));
}

void AudioThread::run()
{
    while (! isEnding)
    {
        {
            const std::lock_guard lock (mutex);
            const int samples = 1 + int (random() % largestBlock);
            for (auto* plugin : plugins)
                process (*plugin, samples);
            position += samples;
            ++nRounds;
        }
        std::this_thread::sleep_for (std::chrono::milliseconds (4));
    }
}

void AudioThread::process (Vst3Plugin& plugin, int samples)
{
    const float* const input[] = { sent[0].data(), sent[1].data() };
    float* const output[] = { got[0].data(), got[1].data() };
    plugin.process (input, output, samples, position);
    plugin.automateNothing();
    ++nBlocks;
    const auto bytes = std::size_t (samples) * sizeof (float);
    if (std::memcmp (input[0], output[0], bytes) != 0
        || std::memcmp (input[1], output[1], bytes) != 0)
        ++nAltered;
}

} // namespace stemlasso::hosting
