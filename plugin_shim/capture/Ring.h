#pragma once

// The way of samples from the audio thread to the writer: a ring of frames, and beside it a queue of
// marks that say at which frame a take begins or ends. One producer, one consumer, no locks.

#include "Recorder.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace stemlasso::capture
{

/** What happens before frame `at` of the ring. */
struct Mark
{
    enum class Kind
    {
        begin,
        gap,   ///< `lost` samples did not fit into the ring
        tempo, ///< from here on it is another
        end
    };

    Kind kind = Kind::end;
    std::uint64_t at = 0; ///< counts the frames of a ring's life
    std::int64_t lost = 0;
    std::optional<std::int64_t> positionSamples;
    std::optional<MusicalTime> musical;
    std::optional<double> tempoBpm;
};

/** Of a fixed number of channels and frames; made anew where these change, never resized. */
class Ring
{
public:
    /** leastFrames: is rounded up to a power of two. */
    Ring (double rate, int channelCount, std::uint64_t leastFrames)
        : sampleRate (rate), channels (channelCount), capacity (powerOfTwo (leastFrames)),
          frames (new float[capacity * std::uint64_t (channelCount)]())
    {
    }

    const double sampleRate;
    const int channels;
    const std::uint64_t capacity; ///< in frames

    // Producer

    std::uint64_t room() const noexcept
    {
        return capacity
               - (written.load (std::memory_order_relaxed)
                  - consumed.load (std::memory_order_acquire));
    }

    /** How many marks still fit. */
    std::uint64_t roomForMarks() const noexcept
    {
        return marks.size()
               - (marksWritten.load (std::memory_order_relaxed)
                  - marksConsumed.load (std::memory_order_acquire));
    }

    /** Grows whenever the writer does something. */
    std::uint64_t writerProgress() const noexcept
    {
        return consumed.load (std::memory_order_relaxed)
               + marksConsumed.load (std::memory_order_relaxed);
    }

    /** count: at most `room()`. */
    template <typename Sample>
    void write (const Sample* const* input, std::uint64_t offset, std::uint64_t count) noexcept
    {
        const auto start = written.load (std::memory_order_relaxed);
        for (int channel = 0; channel < channels; ++channel)
        {
            const auto* source = input[channel] + offset;
            for (std::uint64_t i = 0; i < count; ++i)
                frame (start + i)[channel] = static_cast<float> (source[i]);
        }
        written.store (start + count, std::memory_order_release);
    }

    /** There must be room for it. It comes before the frames that are written after it. */
    void put (Mark mark) noexcept
    {
        const auto index = marksWritten.load (std::memory_order_relaxed);
        mark.at = written.load (std::memory_order_relaxed);
        marks[index % marks.size()] = mark;
        marksWritten.store (index + 1, std::memory_order_release);
    }

    // Consumer

    /** Frames written so far. All marks before this frame can be seen once it was asked for. */
    std::uint64_t end() const noexcept { return written.load (std::memory_order_acquire); }
    std::uint64_t start() const noexcept { return consumed.load (std::memory_order_relaxed); }

    const Mark* nextMark() const noexcept
    {
        const auto index = marksConsumed.load (std::memory_order_relaxed);
        return index == marksWritten.load (std::memory_order_acquire)
                   ? nullptr
                   : &marks[index % marks.size()];
    }

    void dropMark() noexcept { marksConsumed.fetch_add (1, std::memory_order_release); }

    /** Interleaved; at most to the ring's end, so that they lie in one piece. */
    const float* read (std::uint64_t wanted, std::uint64_t& count) const noexcept
    {
        const auto index = start() & (capacity - 1);
        count = wanted < capacity - index ? wanted : capacity - index;
        return &frames[index * std::uint64_t (channels)];
    }

    void drop (std::uint64_t count) noexcept
    {
        consumed.fetch_add (count, std::memory_order_release);
    }

private:
    static std::uint64_t powerOfTwo (std::uint64_t least) noexcept
    {
        std::uint64_t size = 1024;
        while (size < least)
            size *= 2;
        return size;
    }

    float* frame (std::uint64_t index) noexcept
    {
        return &frames[(index & (capacity - 1)) * std::uint64_t (channels)];
    }

    std::unique_ptr<float[]> frames;
    std::array<Mark, 1024> marks;
    // apart from each other, so that the two threads do not fight for one line of the cache
    alignas (64) std::atomic<std::uint64_t> written{ 0 };
    alignas (64) std::atomic<std::uint64_t> consumed{ 0 };
    alignas (64) std::atomic<std::uint64_t> marksWritten{ 0 };
    alignas (64) std::atomic<std::uint64_t> marksConsumed{ 0 };
};

} // namespace stemlasso::capture
