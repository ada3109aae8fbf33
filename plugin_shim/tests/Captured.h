#pragma once

// What tests of the capture share: folders of their own, audio with a pattern in every bit, a sender
// of blocks, and the bits of a file.

#include "capture/Recorder.h"

#include <catch2/catch.hpp>

#include <bit>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

namespace stemlasso::capture
{

/** Gone with the test. */
struct Folder
{
    Folder()
    {
        std::random_device random;
        path = std::filesystem::temp_directory_path()
               / ("stemlasso-capture-" + std::to_string (random()) + std::to_string (random()));
        std::filesystem::create_directory (path);
    }
    ~Folder() { std::filesystem::remove_all (path); }

    std::string file (const std::string& name) const { return (path / name).string(); }

    std::filesystem::path path;
};

using Bits = std::vector<std::uint32_t>;

/** Any bits at all, so NaN, infinity and denormals as well. Interleaved. */
inline Bits makeBits (std::size_t count, unsigned seed)
{
    std::mt19937 random (seed);
    Bits bits (count);
    for (auto& each : bits)
        each = std::uint32_t (random());
    return bits;
}

/** A WAV file that is read by its chunks, with nothing assumed of their order. */
struct WavFile
{
    explicit WavFile (const std::string& path)
    {
        std::ifstream in (path, std::ios::binary);
        content.assign (std::istreambuf_iterator<char> (in), {});
        REQUIRE (content.size() > 12);
        isLarge = content.compare (0, 4, "RF64") == 0;
        riffBytes = number<std::uint32_t> (4);
        for (std::size_t at = 12; at + 8 <= content.size();)
        {
            const auto name = content.substr (at, 4);
            std::uint64_t bytes = number<std::uint32_t> (at + 4);
            const auto body = at + 8;
            if (name == "ds64")
            {
                riffBytes = number<std::uint64_t> (body);
                largeBytes = number<std::uint64_t> (body + 8);
            }
            if (name == "bext")
                timeReference = number<std::uint64_t> (body + 338);
            if (name == "fmt ")
            {
                REQUIRE (number<std::uint16_t> (body) == 3);
                channels = number<std::uint16_t> (body + 2);
                sampleRate = number<std::uint32_t> (body + 4);
            }
            if (name == "data")
            {
                bytes = isLarge ? largeBytes : bytes;
                REQUIRE (body + bytes <= content.size());
                bits.resize (bytes / 4);
                if (bytes > 0)
                    std::memcpy (bits.data(), content.data() + body, bytes);
            }
            at = body + bytes;
        }
    }

    template <typename Number>
    Number number (std::size_t at) const
    {
        Number value{};
        std::memcpy (&value, content.data() + at, sizeof (value));
        return value;
    }

    std::string content;
    bool isLarge = false;
    std::uint64_t riffBytes = 0, largeBytes = 0, timeReference = 0;
    unsigned channels = 0, sampleRate = 0;
    Bits bits;
};

/** Waits until it is so; fails when it never is. */
template <typename Condition>
void until (Condition isSo, const char* what)
{
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds (60);
    while (! isSo())
    {
        INFO ("never came: " << what);
        REQUIRE (std::chrono::steady_clock::now() < deadline);
        std::this_thread::sleep_for (std::chrono::milliseconds (2));
    }
}

/** Sends interleaved bits through a recorder, as the audio thread would. */
struct Sender
{
    Recorder& recorder;
    int channels;

    void send (const Bits& bits, std::size_t frame, std::size_t frames, const Transport& transport,
               bool isArmed, bool mayWait = true)
    {
        std::vector<std::vector<float>> planes (static_cast<std::size_t> (channels),
                                                std::vector<float> (frames));
        std::vector<const float*> pointers;
        for (std::size_t channel = 0; channel < planes.size(); ++channel)
        {
            for (std::size_t i = 0; i < frames; ++i)
                std::memcpy (&planes[channel][i], &bits[(frame + i) * planes.size() + channel], 4);
            pointers.push_back (planes[channel].data());
        }
        recorder.process (pointers.data(), channels, int (frames), transport, isArmed, mayWait);
    }
};

inline Transport playing (std::optional<std::int64_t> position)
{
    Transport transport;
    transport.isPlaying = true;
    transport.positionSamples = position;
    return transport;
}

inline Bits part (const Bits& bits, int channels, std::size_t frame, std::size_t frames)
{
    const auto begin = bits.begin() + std::ptrdiff_t (frame * std::size_t (channels));
    return { begin, begin + std::ptrdiff_t (frames * std::size_t (channels)) };
}

inline std::vector<Take> finished (Recorder& recorder, std::size_t count)
{
    recorder.finish();
    until (
        [&]
        {
            const auto takes = recorder.takes();
            return takes.size() == count && takes.back().isFinished;
        },
        "all takes are finished");
    return recorder.takes();
}

} // namespace stemlasso::capture
