#pragma once

// The audio thread's side of a recorder: decides where takes begin and end, and fills the ring.

#include "Ring.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

namespace stemlasso::capture
{

class Recorder::Producer
{
public:
    explicit Producer (Clock clock) : pace (clock) {}

    /** Audio stopped. The ring to write into from now on; none when it can stay. */
    std::shared_ptr<Ring> prepare (double sampleRate, int channels, int largestBlock)
    {
        const auto seconds = std::uint64_t (std::max (sampleRate, 1.0) * ringSeconds);
        const auto frames = std::max (seconds, std::uint64_t (std::max (largestBlock, 1)) * 4);
        if (ring != nullptr && ring->sampleRate == sampleRate && ring->channels == channels
            && ring->capacity >= frames)
            return nullptr;
        end();
        ring.reset();
        if (channels > 0 && sampleRate > 0)
        {
            ring = std::make_shared<Ring> (sampleRate, channels, frames);
            pace.start (sampleRate, ring->capacity);
        }
        return ring;
    }

    template <typename Sample>
    void process (const Sample* const* input, int channels, int samples, const Transport& transport,
                  bool isArmed, bool mayWait) noexcept
    {
        if (ring == nullptr)
            return;
        const auto skipped = beforeTimeline (transport, samples);
        if (! isArmed || ! transport.isPlaying.value_or (true) || channels < ring->channels
            || skipped >= samples)
        {
            end();
            return;
        }
        const auto count = samples - skipped;
        const auto position = transport.isPlaying ? transport.positionSamples : std::nullopt;
        const auto start = position ? std::optional (*position + skipped) : std::nullopt;
        if (isOpen && start != expected)
            end();
        if (! isOpen && ! begin (start, transport, skipped, mayWait))
            unreported += count;
        else
        {
            noteTempo (transport);
            push (input, std::uint64_t (skipped), std::uint64_t (count), mayWait);
        }
        expected = start ? std::optional (*start + count) : std::nullopt;
    }

    /** Ends the open take. */
    void end() noexcept
    {
        if (! isOpen)
            return;
        Mark mark;
        mark.kind = Mark::Kind::end;
        mark.lost = std::exchange (missing, 0);
        ring->put (mark); // there is room: one place is always left for it
        isOpen = isHurried = false;
    }

private:
    static constexpr double ringSeconds = 2;
    static constexpr auto patience = std::chrono::seconds (20);

    /** How many samples of the block lie before the timeline's start: no take can be placed there. */
    static int beforeTimeline (const Transport& transport, int samples) noexcept
    {
        if (! transport.isPlaying || ! transport.positionSamples || *transport.positionSamples >= 0)
            return 0;
        return int (std::min (std::int64_t (samples), -*transport.positionSamples));
    }

    bool begin (std::optional<std::int64_t> start, const Transport& transport, int skipped,
                bool mayWait) noexcept
    {
        const auto hasRoom = [this] { return ring->roomForMarks() >= 2; };
        if (! hasRoom() && ! (mayWait && waitFor (hasRoom)))
            return false;
        Mark mark;
        mark.kind = Mark::Kind::begin;
        mark.lost = std::exchange (unreported, 0);
        mark.positionSamples = start;
        if (start)
            mark.musical = transport.musical;
        if (mark.musical)
            mark.musical->quarters +=
                skipped / ring->sampleRate * mark.musical->beatsPerMinute / 60;
        if (transport.isPlaying)
            mark.tempoBpm = transport.tempoBpm;
        ring->put (mark);
        isOpen = true;
        tempo = mark.tempoBpm;
        return true;
    }

    /** Once in a take, when its tempo does not stay what it was. */
    void noteTempo (const Transport& transport) noexcept
    {
        if (! tempo || (transport.tempoBpm && isSame (*transport.tempoBpm, *tempo))
            || ring->roomForMarks() < 2)
            return;
        Mark mark;
        mark.kind = Mark::Kind::tempo;
        ring->put (mark);
        tempo.reset();
    }

    /** Some hosts compute their tempo anew with every block. */
    static bool isSame (double one, double other) noexcept
    {
        return std::abs (one - other) <= 1e-6 * other;
    }

    template <typename Sample>
    void push (const Sample* const* input, std::uint64_t offset, std::uint64_t count,
               bool mayWait) noexcept
    {
        while (count > 0)
        {
            // after a loss not before there is room for a while: one gap is better than a hundred
            const auto wanted = missing > 0 && ! mayWait ? ring->capacity / 2 : 1;
            const auto hasRoom = [&]
            { return ring->room() >= wanted && (missing == 0 || ring->roomForMarks() >= 2); };
            if (! hasRoom() && ! ((mayWait || hurries()) && waitFor (hasRoom)))
            {
                missing += std::int64_t (count);
                return;
            }
            reportGap();
            const auto piece = std::min (ring->room(), count);
            ring->write (input, offset, piece);
            pace.add (piece);
            offset += piece;
            count -= piece;
        }
    }

    /** For the rest of the take: a host that waits for a slow disk comes near to real time. */
    bool hurries() noexcept
    {
        isHurried = isHurried || pace.isHurried();
        return isHurried;
    }

    void reportGap() noexcept
    {
        if (missing == 0)
            return;
        Mark mark;
        mark.kind = Mark::Kind::gap;
        mark.lost = std::exchange (missing, 0);
        ring->put (mark);
    }

    /** Only in an offline render, told or not: until the writer has made room, or does nothing for so long that
        its disk must be dead; then, and as long as that is so, audio goes on without it. */
    template <typename Condition>
    bool waitFor (Condition isMet) noexcept
    {
        auto seen = ring->writerProgress();
        if (seen == gaveUpAt)
            return false;
        auto moved = std::chrono::steady_clock::now();
        while (! isMet())
        {
            std::this_thread::sleep_for (std::chrono::milliseconds (1));
            const auto now = std::chrono::steady_clock::now();
            const auto progress = ring->writerProgress();
            if (progress != seen)
                moved = now;
            else if (now - moved > patience)
            {
                gaveUpAt = progress;
                return false;
            }
            seen = progress;
        }
        return true;
    }

    std::shared_ptr<Ring> ring;
    Pace pace;
    bool isOpen = false, isHurried = false;
    std::optional<std::int64_t>
        expected;                ///< where the next block has to begin to belong to the take
    std::optional<double> tempo; ///< of the open take, as long as it is the same
    std::int64_t missing = 0;    ///< samples of the open take that did not fit
    std::int64_t unreported = 0; ///< samples for which no take could be begun
    std::uint64_t gaveUpAt = ~std::uint64_t (0);
};

} // namespace stemlasso::capture
