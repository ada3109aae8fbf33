// Asks of the plug-in what no host can be asked: what its process() does beside its work, and whether
// it stands threads, block sizes, states and being loaded again and again.
//
//     rt_host BUNDLE count | threads | states N | cycles N
//
// Prints one line of JSON. Status 0 unless the plug-in could not be loaded.

#include "Vst3Plugin.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <thread>

using namespace stemlasso::hosting;

namespace
{
thread_local bool isInside = false; ///< process() is running on this thread
std::atomic<long> allocations{ 0 }, frees{ 0 }, locks{ 0 };
} // namespace

extern "C"
{
    void* __libc_malloc (std::size_t);
    void* __libc_calloc (std::size_t, std::size_t);
    void* __libc_realloc (void*, std::size_t);
    void __libc_free (void*);

    void* malloc (std::size_t bytes)
    {
        allocations += isInside ? 1 : 0;
        return __libc_malloc (bytes);
    }
    void* calloc (std::size_t count, std::size_t bytes)
    {
        allocations += isInside ? 1 : 0;
        return __libc_calloc (count, bytes);
    }
    void* realloc (void* old, std::size_t bytes)
    {
        allocations += isInside ? 1 : 0;
        return __libc_realloc (old, bytes);
    }
    void free (void* memory)
    {
        frees += isInside && memory != nullptr ? 1 : 0;
        __libc_free (memory);
    }
    // all is built with hidden names, and whether the header says otherwise hangs on who includes it
    __attribute__ ((visibility ("default"))) int pthread_mutex_lock (pthread_mutex_t* mutex)
    {
        using Lock = int (*) (pthread_mutex_t*);
        static const auto real = reinterpret_cast<Lock> (::dlsym (RTLD_NEXT, "pthread_mutex_lock"));
        locks += isInside ? 1 : 0;
        return real (mutex);
    }
}

namespace
{
constexpr int largest = 8192;
HostApplication host (u"rt");

/** Stereo audio of any bits, and a place for what comes out. */
struct Audio
{
    Audio()
    {
        std::mt19937 random (1);
        for (auto& channel : sent)
            for (auto& sample : channel)
            {
                const auto bits = std::uint32_t (random());
                std::memcpy (&sample, &bits, sizeof (sample));
            }
        for (int i = 0; i < 2; ++i)
        {
            in[i] = sent[i].data();
            out[i] = got[i].data();
        }
    }

    bool isSame (int samples) const
    {
        return std::memcmp (in[0], out[0], std::size_t (samples) * 4) == 0
               && std::memcmp (in[1], out[1], std::size_t (samples) * 4) == 0;
    }

    std::vector<float> sent[2]{ std::vector<float> (largest), std::vector<float> (largest) };
    std::vector<float> got[2]{ std::vector<float> (largest), std::vector<float> (largest) };
    const float* in[2];
    float* out[2];
};

long entries (const char* folder)
{
    const std::filesystem::directory_iterator all (folder);
    return std::distance (begin (all), end (all));
}

struct Counted
{
    long mallocs, frees, locks;
    double medianMicroseconds;
};

Counted count (Vst3Plugin& plugin, Audio& audio, std::int64_t& position, int blocks)
{
    std::vector<double> times;
    times.reserve (std::size_t (blocks));
    allocations = frees = locks = 0;
    for (int block = 0; block < blocks; ++block)
    {
        const auto began = std::chrono::steady_clock::now();
        isInside = true;
        plugin.process (audio.in, audio.out, 256, position);
        isInside = false;
        const std::chrono::duration<double, std::micro> took =
            std::chrono::steady_clock::now() - began;
        times.push_back (took.count());
        position += 256;
        if (block % 64 == 0)
            std::this_thread::sleep_for (std::chrono::milliseconds (1));
    }
    std::sort (times.begin(), times.end());
    return { allocations, frees, locks, times[times.size() / 2] };
}

void runCount (Vst3Plugin& plugin)
{
    Audio audio;
    std::int64_t position = 0;
    plugin.prepare (48000, 256);
    count (plugin, audio, position, 500); // once, so that nothing is done for the first time
    const auto idle = count (plugin, audio, position, 4000);
    plugin.automate ("Capture", 1);
    plugin.process (audio.in, audio.out, 256, position);
    position += 256;
    plugin.automateNothing();
    const auto capturing = count (plugin, audio, position, 4000);
    ++position;
    const auto jumping = count (plugin, audio, position, 4000);
    const auto print = [] (const char* name, const Counted& c, const char* end)
    {
        std::printf (R"("%s": {"mallocs": %ld, "frees": %ld, "locks": %ld, "median_us": %.3f}%s)",
                     name, c.mallocs, c.frees, c.locks, c.medianMicroseconds, end);
    };
    std::printf ("{\"n_blocks\": 4000, ");
    print ("idle", idle, ", ");
    print ("capturing", capturing, ", ");
    print ("after_a_jump", jumping, "}\n");
}

/** Audio on one thread; states and parameters on two others; all rates and block sizes. */
void runThreads (Vst3Plugin& plugin)
{
    std::atomic<bool> isEnding{ false };
    std::atomic<long> states{ 0 }, settings{ 0 };
    std::thread keeper (
        [&]
        {
            while (! isEnding)
            {
                plugin.restore (plugin.state());
                ++states;
                std::this_thread::sleep_for (std::chrono::milliseconds (1));
            }
        });
    const auto ids = plugin.parameters();
    std::thread turner (
        [&]
        {
            std::mt19937 random (2);
            while (! isEnding)
            {
                plugin.set (ids[random() % ids.size()], double (random() % 1000) / 999);
                ++settings;
                std::this_thread::sleep_for (std::chrono::milliseconds (1));
            }
        });
    Audio audio;
    std::mt19937 random (3);
    long altered = 0, blocks = 0;
    std::int64_t position = -5000;
    for (const double rate : { 44100.0, 48000.0, 96000.0, 192000.0, 8000.0 })
    {
        plugin.prepare (rate, largest);
        for (int i = 0; i < 800; ++i, ++blocks)
        {
            const int samples = i == 0   ? 1
                                : i == 1 ? largest
                                         : 1 + int (random() % (1u << (random() % 14)));
            const int n = std::min (samples, largest);
            if (i % 50 == 0)
                plugin.automate ("Capture", i % 100 == 0 ? 1 : 0);
            plugin.process (audio.in, audio.out, n, position, i % 300 < 250);
            plugin.automateNothing();
            altered += audio.isSame (n) ? 0 : 1;
            position += i % 97 == 0 ? 12345 : n;
        }
    }
    // the other threads had their turn even where audio took no time
    while (states < 20 || settings < 20)
        std::this_thread::sleep_for (std::chrono::milliseconds (1));
    isEnding = true;
    keeper.join();
    turner.join();
    std::printf ("{\"n_blocks\": %ld, \"altered\": %ld}\n", blocks, altered);
}

void runStates (Vst3Plugin& plugin, int rounds)
{
    Audio audio;
    plugin.prepare (48000, 64);
    const std::string whole = plugin.state();
    const std::string mark = "JUCEPrivateData"; // ends JUCE's own part, after the length of it
    std::mt19937 random (4);
    long altered = 0;
    for (int round = 0; round < rounds; ++round)
    {
        std::string state = whole;
        if (round % 3 == 0)
        {
            state.resize (random() % 2000);
            for (auto& byte : state)
                byte = char (random());
        }
        else
        {
            for (unsigned i = 0; i < 1 + random() % 20; ++i)
                state[random() % state.size()] = char (random());
            if (round % 3 == 1)
                state.resize (random() % state.size());
            if (round % 2 == 0)
                state += mark;
        }
        plugin.restore (state);
        plugin.process (audio.in, audio.out, 64, round * 64);
        altered += audio.isSame (64) ? 0 : 1;
    }
    plugin.restore (whole);
    // by now the message thread has most often taken it over: it is the same before and after that
    std::this_thread::sleep_for (std::chrono::milliseconds (500));
    std::printf ("{\"n_states\": %d, \"altered\": %ld, \"same_after\": %s}\n", rounds, altered,
                 plugin.state() == whole ? "true" : "false");
}

/** Loads the module, runs three instances with a take each, and unloads it. */
double runCycle (const std::string& bundle, Audio& audio)
{
    const auto began = std::chrono::steady_clock::now();
    Vst3Module module (bundle);
    auto first = std::make_unique<Vst3Plugin> (module, host);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    Vst3Plugin second (module, host), third (module, host);
    for (auto* plugin : { first.get(), &second, &third })
    {
        plugin->prepare (48000, 512);
        plugin->automate ("Capture", 1);
        plugin->process (audio.in, audio.out, 512, 0);
    }
    return took.count();
}

void runCycles (const std::string& bundle, int rounds)
{
    Audio audio;
    runCycle (bundle, audio); // what the system's libraries keep for good, they keep from here on
    const auto settled = [] (long threads)
    {
        // the system lists a thread a moment longer than it takes to join it
        for (int i = 0; i < 3000 && entries ("/proc/self/task") > threads; ++i)
            std::this_thread::sleep_for (std::chrono::milliseconds (10));
        return entries ("/proc/self/task");
    };
    const auto threadsBefore = settled (1), filesBefore = entries ("/proc/self/fd");
    std::vector<double> scans;
    for (int round = 0; round < rounds; ++round)
        scans.push_back (runCycle (bundle, audio));
    std::sort (scans.begin(), scans.end());
    std::printf ("{\"n_cycles\": %d, \"threads\": [%ld, %ld], \"files\": [%ld, %ld], "
                 "\"median_load_s\": %.4f}\n",
                 rounds, threadsBefore, settled (threadsBefore), filesBefore,
                 entries ("/proc/self/fd"), scans[scans.size() / 2]);
}
} // namespace

int main (int argumentCount, char** arguments)
{
    const std::vector<std::string> words (arguments + 1, arguments + argumentCount);
    if (words.size() < 2)
        return std::puts ("usage: rt_host BUNDLE count | threads | states N | cycles N"), 2;
    const int rounds = words.size() > 2 ? std::stoi (words[2]) : 100;
    try
    {
        if (words[1] == "cycles")
            return runCycles (words[0], rounds), 0;
        Vst3Module module (words[0]);
        Vst3Plugin plugin (module, host);
        if (words[1] == "count")
            runCount (plugin);
        if (words[1] == "threads")
            runThreads (plugin);
        if (words[1] == "states")
            runStates (plugin, rounds);
    }
    catch (const std::exception& error)
    {
        std::fprintf (stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
