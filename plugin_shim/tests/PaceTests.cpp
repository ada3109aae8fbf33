// Audio that comes faster than it can be written: in real time, and faster than that.

#include "Captured.h"

#include <atomic>
#include <future>

using namespace stemlasso::capture;

namespace
{
constexpr double rate = 8000; // a small ring: two seconds are 16384 frames

std::atomic<std::int64_t> milliseconds{ 0 };
std::chrono::steady_clock::time_point realTime() noexcept
{
    return std::chrono::steady_clock::time_point (std::chrono::milliseconds (milliseconds));
}
std::chrono::steady_clock::time_point standsStill() noexcept { return {}; }
} // namespace

TEST_CASE ("what does not fit is counted, and silence keeps its place")
{
    Folder folder;
    std::promise<void> release;
    std::atomic<bool> isBlocked{ false };
    // the writer tells of the first take and gets no further: as with a disk that hangs
    auto released = release.get_future().share();
    Recorder recorder (
        folder.file ("spool"),
        [&]
        {
            isBlocked = true;
            released.wait();
        },
        realTime);
    recorder.prepare (rate, 2, 1000);
    Sender sender{ recorder, 2 };
    const auto bits = makeBits (2 * 100'000, 4);
    const auto send = [&] (std::size_t frame)
    {
        sender.send (bits, frame, 1000, playing (std::int64_t (frame)), true, false);
        milliseconds += 125; // as long as it lasts
    };
    send (0);
    until ([&] { return isBlocked.load(); }, "the writer waits");
    std::size_t frame = 1000;
    for (; frame < 60'000; frame += 1000)
        send (frame);
    release.set_value();
    until ([&] { return recorder.takes().back().samples > 10'000; }, "the writer goes on");
    for (; frame < 100'000; frame += 1000)
        send (frame);
    sender.send (bits, 0, 1000, playing (0), false);
    const auto takes = finished (recorder, 1);

    const auto& take = takes[0];
    REQUIRE (take.gaps.size() >= 1);
    CHECK (take.positionSamples == 0);
    CHECK (take.samples == 100'000);
    auto expected = bits;
    std::int64_t dropped = 0;
    for (const auto& gap : take.gaps)
    {
        dropped += gap.samples;
        std::fill_n (expected.begin() + std::ptrdiff_t (gap.startSamples * 2), gap.samples * 2, 0u);
    }
    CHECK (take.droppedSamples == dropped);
    CHECK (take.gaps[0].startSamples > 1000);
    CHECK (dropped > 30'000);
    CHECK ((WavFile (take.path).bits == expected));
}

TEST_CASE ("a render that nobody tells of loses nothing either")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 2, 4096);
    Sender sender{ recorder, 2 };
    const auto bits = makeBits (2 * 4096, 5);
    for (std::int64_t block = 0; block < 400; ++block)
        sender.send (bits, 0, 4096, playing (block * 4096), true, false);
    const auto takes = finished (recorder, 1);
    CHECK (takes[0].droppedSamples == 0);
    const WavFile file (takes[0].path);
    REQUIRE (file.bits.size() == 400 * bits.size());
    for (std::size_t block = 0; block < 400; ++block)
        REQUIRE (std::equal (bits.begin(), bits.end(),
                             file.bits.begin() + std::ptrdiff_t (block * bits.size())));
}

TEST_CASE ("a pace is hurried in a third of the time, whatever the blocks")
{
    const auto block = GENERATE (1u, 7u, 64u, 1000u, 20'000u);
    milliseconds = 0;
    Pace pace (realTime);
    pace.start (1000, 8000); // eight parts of a second
    const auto play = [&] (double speed, int seconds)
    {
        double spent = 0;
        for (std::uint64_t left = std::uint64_t (seconds) * 1000; left > 0;)
        {
            const auto frames = std::min<std::uint64_t> (block, left);
            pace.add (frames);
            spent += double (frames) / speed;
            milliseconds += std::int64_t (spent);
            spent -= double (std::int64_t (spent));
            left -= frames;
        }
    };
    play (1, 40);
    CHECK_FALSE (pace.isHurried());
    play (2.5, 40);
    CHECK_FALSE (pace.isHurried());
    play (5, 40);
    CHECK ((pace.isHurried() || block == 20'000)); // one block may be all there is
    play (1, 40);
    CHECK_FALSE (pace.isHurried());
    Pace fast (standsStill);
    fast.start (1000, 8000);
    fast.add (8000);
    CHECK (fast.isHurried());
}
