// What is known of a take beside its samples, and where it ends when a host is done with it.

#include "Captured.h"

#include <atomic>
#include <future>

using namespace stemlasso::capture;

namespace
{
constexpr double rate = 8000;

Transport at (std::int64_t position, std::optional<double> tempoBpm)
{
    auto transport = playing (position);
    transport.tempoBpm = tempoBpm;
    return transport;
}
} // namespace

TEST_CASE ("a take has the tempo that it began with, if it stays")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 1, 100);
    Sender sender{ recorder, 1 };
    const auto bits = makeBits (100, 1);
    using Tempos = std::vector<std::optional<double>>;
    const std::vector<std::pair<Tempos, std::optional<double>>> all{
        { { 120, 120, 120 }, 120 },
        { { 97.5, 97.5 + 1e-12, 97.5 }, 97.5 }, // computed anew, as some hosts do
        { { 120, 120, 121 }, std::nullopt },
        { { 120, std::nullopt, 120 }, std::nullopt },
        { { std::nullopt, 120, 120 }, std::nullopt }, // nobody knows how it began
        { { 120, 130, 120 }, std::nullopt },
        { { 88 }, 88 },
    };
    std::int64_t position = 0;
    for (const auto& [tempos, expected] : all)
    {
        for (const auto& tempo : tempos)
        {
            sender.send (bits, 0, 100, at (position, tempo), true);
            position += 100;
        }
        position += 1000;
    }
    const auto takes = finished (recorder, all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
    {
        INFO (i);
        CHECK (takes[i].samples == std::int64_t (100 * all[i].first.size()));
        CHECK (takes[i].tempoBpm == all[i].second);
    }
}

TEST_CASE ("a take that goes on after it was finished has no tempo that has changed")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 1, 100);
    Sender sender{ recorder, 1 };
    const auto bits = makeBits (100, 2);
    sender.send (bits, 0, 100, at (0, 120), true);
    CHECK (finished (recorder, 1)[0].tempoBpm == 120);
    sender.send (bits, 0, 100, at (100, 120), true);
    CHECK (finished (recorder, 2)[1].tempoBpm == 120);
    sender.send (bits, 0, 100, at (200, 140), true);
    CHECK_FALSE (finished (recorder, 3)[2].tempoBpm);
}

TEST_CASE ("a host without a transport has no tempo")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 1, 100);
    Transport transport;
    transport.tempoBpm = 120;
    Sender{ recorder, 1 }.send (makeBits (100, 3), 0, 100, transport, true);
    CHECK_FALSE (finished (recorder, 1)[0].tempoBpm);
}

TEST_CASE ("what comes after a finish is not ended by it, however late the writer is")
{
    Folder folder;
    std::promise<void> release;
    std::atomic<bool> isBlocked{ false };
    auto released = release.get_future().share();
    const auto block = [&]
    {
        isBlocked = true;
        released.wait();
    };
    Recorder slow (folder.file ("spool"), block), recorder (folder.file ("spool"));
    slow.prepare (rate, 1, 100);
    recorder.prepare (rate, 1, 100);
    Sender sender{ recorder, 1 };
    const auto bits = makeBits (400, 4);
    Sender{ slow, 1 }.send (bits, 0, 100, playing (0), true);
    until ([&] { return isBlocked.load(); }, "the one writer of both is held up");

    sender.send (bits, 0, 100, playing (0), true);
    recorder.finish(); // returns all the same
    sender.send (bits, 100, 100, playing (1000), true);
    recorder.finish();
    sender.send (bits, 200, 100, playing (2000), true);
    sender.send (bits, 300, 100, playing (2100), true);
    release.set_value();

    const auto takes = finished (recorder, 3);
    CHECK (takes[0].samples == 100);
    CHECK (takes[1].positionSamples == 1000);
    CHECK (takes[2].positionSamples == 2000);
    CHECK ((WavFile (takes[2].path).bits == part (bits, 1, 200, 200)));
}
