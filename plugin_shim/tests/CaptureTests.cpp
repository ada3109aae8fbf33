// The recorder: what is captured, to the bit and to the sample, whatever blocks and marks come.

#include "Captured.h"

#include <atomic>
#include <numeric>

using namespace stemlasso::capture;

namespace
{
constexpr double rate = 8000; // a small ring: it is passed round often
} // namespace

TEST_CASE ("any blocks and any arming give exactly what came while armed")
{
    const auto seed = GENERATE (range (1u, 9u));
    std::mt19937 random (seed);
    const int channels = std::array{ 1, 2, 3, 16 }[seed % 4];
    const auto bits = makeBits (60'000 * std::size_t (channels), seed);
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, channels, 8192);
    Sender sender{ recorder, channels };

    std::vector<std::pair<std::size_t, std::size_t>>
        expected; // first frame and frames of each take
    bool isArmed = false;
    for (std::size_t frame = 0; frame < 60'000;)
    {
        const auto limit = std::array<std::size_t, 3>{ 5, 600, 8192 }[random() % 3];
        const auto frames = std::min<std::size_t> (1 + random() % limit, 60'000 - frame);
        const bool wasArmed = std::exchange (isArmed, random() % 4 != 0);
        if (isArmed && ! wasArmed)
            expected.emplace_back (frame, 0);
        if (isArmed)
            expected.back().second += frames;
        sender.send (bits, frame, frames, playing (std::int64_t (frame)), isArmed);
        frame += frames;
    }

    const auto takes = finished (recorder, expected.size());
    for (std::size_t i = 0; i < takes.size(); ++i)
    {
        const auto [frame, frames] = expected[i];
        const WavFile file (takes[i].path);
        CHECK (takes[i].number == i + 1);
        CHECK (takes[i].problem.empty());
        CHECK (takes[i].droppedSamples == 0);
        CHECK (takes[i].positionSamples == std::int64_t (frame));
        CHECK (takes[i].samples == std::int64_t (frames));
        CHECK (file.timeReference == frame);
        CHECK (file.channels == unsigned (channels));
        CHECK (file.sampleRate == unsigned (rate));
        CHECK ((file.bits == part (bits, channels, frame, frames)));
    }
}

TEST_CASE ("a jump, a loop and a stop each begin a take at its place")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 2, 100);
    Sender sender{ recorder, 2 };
    const auto bits = makeBits (2 * 1000, 1);
    Transport stopped;
    stopped.isPlaying = false;
    stopped.positionSamples = 5000;

    for (const auto position : { 5000, 5100, 5200 })
        sender.send (bits, std::size_t (position - 5000), 100, playing (position), true);
    sender.send (bits, 300, 100, playing (5000), true); // a loop
    sender.send (bits, 400, 100, stopped, true);
    sender.send (bits, 500, 100, playing (5001), true); // as it is taken up again, one sample on
    sender.send (bits, 600, 100, playing (5102), true); // a jump of one sample
    sender.send (bits, 700, 100, playing (std::nullopt), true);
    sender.send (bits, 800, 100, playing (std::nullopt), true);

    const auto takes = finished (recorder, 5);
    const std::vector<std::optional<std::int64_t>> positions{ 5000, 5000, 5001, 5102,
                                                              std::nullopt };
    const std::vector<std::pair<std::size_t, std::size_t>> parts{
        { 0, 300 }, { 300, 100 }, { 500, 100 }, { 600, 100 }, { 700, 200 }
    };
    for (std::size_t i = 0; i < takes.size(); ++i)
    {
        CHECK (takes[i].positionSamples == positions[i]);
        CHECK ((WavFile (takes[i].path).bits == part (bits, 2, parts[i].first, parts[i].second)));
    }
}

TEST_CASE ("what lies before the timeline is cut to the sample")
{
    const auto blocks = GENERATE (1, 7, 64, 500);
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 2, 500);
    Sender sender{ recorder, 2 };
    const auto bits = makeBits (2 * 1000, 2);
    for (int frame = 0; frame < 1000; frame += blocks)
    {
        auto transport = playing (frame - 333);
        transport.musical = MusicalTime{ (frame - 333) / rate, 60, 4, 4 };
        sender.send (bits, std::size_t (frame), std::size_t (std::min (blocks, 1000 - frame)),
                     transport, true);
    }
    const auto takes = finished (recorder, 1);
    const WavFile file (takes[0].path);
    CHECK (takes[0].positionSamples == 0);
    CHECK (takes[0].musical->quarters == Approx (0).margin (1e-12));
    CHECK (file.timeReference == 0);
    CHECK ((file.bits == part (bits, 2, 333, 667)));
}

TEST_CASE ("a host without a transport is captured as long as it is armed")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 1, 100);
    Sender sender{ recorder, 1 };
    const auto bits = makeBits (300, 3);
    for (const std::size_t frame : { 0u, 100u, 200u })
        sender.send (bits, frame, 100, {}, true);
    const auto takes = finished (recorder, 1);
    CHECK_FALSE (takes[0].positionSamples.has_value());
    CHECK ((WavFile (takes[0].path).bits == bits));
}

TEST_CASE ("doubles are rounded to floats")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 1, 100);
    const std::array<double, 3> samples{ 0.1, -1e-300, 2.0 };
    const double* input = samples.data();
    recorder.process (&input, 1, 3, {}, true, true);
    const auto takes = finished (recorder, 1);
    const WavFile file (takes[0].path);
    CHECK ((file.bits
            == Bits{ std::bit_cast<std::uint32_t> (0.1f), 0x80000000u,
                     std::bit_cast<std::uint32_t> (2.0f) }));
}

TEST_CASE ("a render that may wait loses nothing at any speed")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 2, 4096); // two seconds are 16384 frames; a hundred times that follow
    Sender sender{ recorder, 2 };
    const auto bits = makeBits (2 * 4096, 5);
    for (std::int64_t block = 0; block < 400; ++block)
        sender.send (bits, 0, 4096, playing (block * 4096), true, true);
    const auto takes = finished (recorder, 1);
    CHECK (takes[0].droppedSamples == 0);
    const WavFile file (takes[0].path);
    REQUIRE (file.bits.size() == 400 * bits.size());
    for (std::size_t block = 0; block < 400; ++block)
        REQUIRE (std::equal (bits.begin(), bits.end(),
                             file.bits.begin() + std::ptrdiff_t (block * bits.size())));
}

TEST_CASE ("a new rate or number of channels ends the take, and loses nothing of it")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    const auto bits = makeBits (2 * 5000, 6);
    std::vector<Bits> expected;
    for (int round = 0; round < 40; ++round)
    {
        const int channels = 1 + round % 2;
        recorder.prepare (round % 3 == 0 ? 44100 : 48000, channels, 512);
        Sender{ recorder, channels }.send (bits, 0, 2000, playing (0), true);
        expected.push_back (part (bits, channels, 0, 2000));
    }
    const auto takes = finished (recorder, 40);
    for (std::size_t i = 0; i < 40; ++i)
    {
        CHECK (takes[i].channels == 1 + int (i % 2));
        CHECK (takes[i].sampleRate == (i % 3 == 0 ? 44100 : 48000));
        CHECK ((WavFile (takes[i].path).bits == expected[i]));
    }
}

TEST_CASE ("the same rate and channels leave an open take alone")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    const auto bits = makeBits (400, 7);
    Sender sender{ recorder, 1 };
    for (const std::size_t frame : { 0u, 200u })
    {
        recorder.prepare (rate, 1, 256);
        sender.send (bits, frame, 200, playing (std::int64_t (frame)), true);
    }
    const auto takes = finished (recorder, 1);
    CHECK ((WavFile (takes[0].path).bits == bits));
}

TEST_CASE ("blocks that come after all are a take of their own, at their place")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 1, 200);
    Sender sender{ recorder, 1 };
    const auto bits = makeBits (400, 8);
    sender.send (bits, 0, 200, playing (100), true);
    CHECK (finished (recorder, 1)[0].samples == 200);
    sender.send (bits, 200, 200, playing (300), true);
    const auto takes = finished (recorder, 2);
    CHECK (takes[1].positionSamples == 300);
    CHECK ((WavFile (takes[0].path).bits == part (bits, 1, 0, 200)));
    CHECK ((WavFile (takes[1].path).bits == part (bits, 1, 200, 200)));
}

TEST_CASE ("a recorder that goes away finishes its take")
{
    Folder folder;
    const auto bits = makeBits (5000, 9);
    std::string path;
    {
        Recorder recorder (folder.file ("spool"));
        recorder.prepare (rate, 1, 5000);
        Sender{ recorder, 1 }.send (bits, 0, 5000, playing (0), true);
    }
    for (const auto& each : std::filesystem::directory_iterator (folder.path / "spool"))
        if (each.path().extension() == ".wav")
            path = each.path().string();
    CHECK ((WavFile (path).bits == bits));
}

TEST_CASE ("one thread serves all recorders, from the first that gets ready to the last")
{
    const auto threads = []
    {
        int count = 0;
        for (const auto& task : std::filesystem::directory_iterator ("/proc/self/task"))
        {
            std::string name;
            std::getline (std::ifstream (task.path() / "comm"), name);
            count += name == "stemlasso takes" ? 1 : 0;
        }
        return count;
    };
    Folder folder;
    // the system lists a thread a moment longer than it takes to join it
    until ([&] { return threads() == 0; }, "the thread of an earlier test is gone");
    {
        std::vector<std::unique_ptr<Recorder>> recorders;
        for (int i = 0; i < 20; ++i)
            recorders.push_back (std::make_unique<Recorder> (folder.file ("spool")));
        CHECK (threads() == 0);
        for (auto& each : recorders)
            each->prepare (rate, 2, 512);
        until ([&] { return threads() == 1; }, "the thread has its name");
        CHECK_FALSE (std::filesystem::exists (folder.path / "spool"));
    }
    until ([&] { return threads() == 0; }, "the thread is gone");
}

TEST_CASE ("recorders that come and go while others capture disturb none of them")
{
    Folder folder;
    std::atomic<bool> isEnding{ false };
    std::thread coming (
        [&]
        {
            while (! isEnding)
            {
                Recorder other (folder.file ("spool"));
                other.prepare (rate, 1, 64);
                Sender{ other, 1 }.send (makeBits (64, 1), 0, 64, {}, true);
                (void)other.takes();
            }
        });
    const auto bits = makeBits (2 * 50'000, 10);
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (rate, 2, 500);
    Sender sender{ recorder, 2 };
    for (std::size_t frame = 0; frame < 50'000; frame += 500)
        sender.send (bits, frame, 500, playing (std::int64_t (frame)), true);
    const auto takes = finished (recorder, 1);
    isEnding = true;
    coming.join();
    CHECK ((WavFile (takes[0].path).bits == bits));
}
