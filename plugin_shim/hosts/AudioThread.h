#pragma once

// A host's audio: random bits through every plug-in, block after block, each compared with what came
// out of it.

#include "Vst3Plugin.h"

#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace stemlasso::hosting
{

class AudioThread
{
public:
    AudioThread();
    ~AudioThread();

    /** From now on, at 48 kHz; the transport rolls. */
    void add (Vst3Plugin&);
    /** Returns when no block of it is under way. */
    void remove (Vst3Plugin&);
    /** Automates a parameter with the plug-in's next block; returns when that has been. */
    void automate (Vst3Plugin&, const std::string& name, double value);

    long blocks() const { return nBlocks; }
    long altered() const { return nAltered; }

private:
    static constexpr int largestBlock = 1024;
    using Channel = std::vector<float>;

    void run();
    void process (Vst3Plugin&, int samples);

    std::mutex mutex; ///< held for a block
    std::vector<Vst3Plugin*> plugins;
    std::mt19937 random{ 1 };
    Channel sent[2], got[2];
    std::int64_t position = 0;
    std::atomic<long> nRounds{ 0 }, nBlocks{ 0 }, nAltered{ 0 };
    std::atomic<bool> isEnding{ false };
    std::thread thread;
};

} // namespace stemlasso::hosting
