// Files of takes and their folder: formats, crashes, full disks, and what may be deleted.

#include "Captured.h"
#include "capture/Spool.h"
#include "capture/TakeFile.h"

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace stemlasso::capture;
namespace fs = std::filesystem;

namespace
{
const float* asFloats (const Bits& bits) { return reinterpret_cast<const float*> (bits.data()); }

/** Files of this process may grow to `bytes`, as on a disk that gets full. */
struct FullDisk
{
    explicit FullDisk (rlim_t bytes)
    {
        std::signal (SIGXFSZ, SIG_IGN);
        getrlimit (RLIMIT_FSIZE, &before);
        const rlimit limit{ bytes, before.rlim_max };
        setrlimit (RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() { setrlimit (RLIMIT_FSIZE, &before); }

    rlimit before{};
};

/** Does the same again and again in a process of its own, which is gone with this. */
struct OtherProcess
{
    explicit OtherProcess (const std::function<void()>& work) : child (::fork())
    {
        REQUIRE (child >= 0);
        if (child != 0)
            return;
        ::alarm (300); // should this process die and leave it
        for (;;)
            work();
    }
    ~OtherProcess()
    {
        ::kill (child, SIGKILL);
        ::waitpid (child, nullptr, 0);
    }

    const pid_t child;
};

void write (const fs::path& path, std::size_t bytes, std::chrono::hours age)
{
    std::ofstream (path) << std::string (bytes, 'x');
    fs::last_write_time (path, fs::file_time_type::clock::now() - age);
}
} // namespace

TEST_CASE ("beyond what RIFF can count a file is RF64")
{
    Folder folder;
    const auto bits = makeBits (2 * 1000, 1);
    std::string problem;
    TakeFormat format{ 96000, 2, 1'000'000'000'000, "take 1" };
    format.largestRiff = 5000;
    const auto path = folder.file ("large.wav");
    auto file = TakeFile::create (path, format, problem);
    REQUIRE (file != nullptr);
    REQUIRE (file->append (asFloats (bits), 500, problem));
    REQUIRE (file->update());
    CHECK_FALSE (WavFile (path).isLarge);
    REQUIRE (file->append (asFloats (bits) + 1000, 500, problem));
    REQUIRE (file->update());
    file.reset();
    const WavFile read (path);
    CHECK (read.isLarge);
    CHECK (read.timeReference == 1'000'000'000'000);
    CHECK (read.riffBytes == read.content.size() - 8);
    CHECK ((read.bits == bits));
}

TEST_CASE ("at the end of what RIFF can count the header turns, to the frame")
{
    // hours of audio, of which the disk holds only the header: as a crash leaves it, and no longer
    constexpr std::uint64_t largestFrames = (0xFFFFFFFFull - (704 - 8)) / 8;
    const auto more = GENERATE (0u, 1u, 1'000'000'000u);
    const auto frames = largestFrames + more;
    Folder folder;
    std::string problem;
    const auto path = folder.file ("hours.wav");
    TakeFile::create (path, { 48000, 2, 77, "take" }, problem).reset();
    fs::resize_file (path, 704 + frames * 8);
    REQUIRE (TakeFile::repair (path) == TakeFile::Left::whole);

    std::ifstream in (path, std::ios::binary);
    std::string head (704, ' ');
    in.read (head.data(), 704);
    const auto number = [&] (std::size_t at, auto value)
    {
        std::memcpy (&value, head.data() + at, sizeof (value));
        return value;
    };
    const bool isLarge = more > 0;
    CHECK (head.substr (0, 4) == (isLarge ? "RF64" : "RIFF"));
    CHECK (number (4, 0u) == (isLarge ? 0xFFFFFFFFu : std::uint32_t (696 + frames * 8)));
    CHECK (number (20, std::uint64_t{}) == (isLarge ? 696 + frames * 8 : 0));
    CHECK (number (28, std::uint64_t{}) == (isLarge ? frames * 8 : 0));
    CHECK (number (36, std::uint64_t{}) == (isLarge ? frames : 0));
    CHECK (number (700, 0u) == (isLarge ? 0xFFFFFFFFu : std::uint32_t (frames * 8)));
    CHECK (fs::file_size (path) == 704 + frames * 8);
}

TEST_CASE ("what a crash left is brought in order by the next take")
{
    Folder folder;
    const auto bits = makeBits (2 * 3000, 2);
    const auto spool = folder.path / "spool";
    Spool keeper (spool.string());
    REQUIRE (keeper.open().empty());
    std::string problem;
    const auto alive = keeper.unfinished ("alive.wav");
    auto file = TakeFile::create (alive, { 48000, 2, 77, "take" }, problem);
    REQUIRE (file->append (asFloats (bits), 3000, problem));
    // a copy is what a process leaves that died here: no header since, and half a frame too much
    fs::copy_file (alive, keeper.unfinished ("dead.wav"));
    std::ofstream (keeper.unfinished ("dead.wav"), std::ios::app | std::ios::binary) << "half";
    std::ofstream (keeper.unfinished ("other.wav")) << "not one of ours";

    keeper.tidy ({});
    CHECK (fs::exists (alive));
    CHECK_FALSE (fs::exists (spool / "alive.wav"));
    CHECK_FALSE (fs::exists (spool / "other.wav"));
    REQUIRE (fs::exists (spool / "dead.wav"));
    const WavFile read ((spool / "dead.wav").string());
    CHECK (read.timeReference == 77);
    CHECK ((read.bits == bits));
}

TEST_CASE ("what was left with nothing in it goes, when nobody writes it any more")
{
    using namespace std::chrono_literals;
    Folder folder;
    const auto spool = folder.path / "spool";
    Spool keeper (spool.string());
    REQUIRE (keeper.open().empty());
    std::string problem;
    const auto alive = keeper.unfinished ("alive.wav");
    const auto file = TakeFile::create (alive, { 48000, 2, 77, "take" }, problem);
    const auto leave =
        [&] (const std::string& name, const std::string& more, std::chrono::hours age)
    {
        const auto path = keeper.unfinished (name);
        fs::copy_file (alive, path);
        std::ofstream (path, std::ios::app | std::ios::binary) << more;
        fs::last_write_time (path, fs::file_time_type::clock::now() - age);
        keeper.loosen (name);
    };
    leave ("old.wav", "", 48h);
    leave ("half a frame.wav", "1234567", 48h);
    leave ("one frame.wav", "12345678", 48h);
    leave ("young.wav", "", 1h);
    write (keeper.unfinished ("without a header.wav"), 0, 48h);
    write (keeper.unfinished ("other.wav"), 100, 48h); // none of ours
    fs::last_write_time (alive, fs::file_time_type::clock::now() - 48h);
    keeper.loosen ("alive.wav");
    keeper.loosen ("deleted by the user.wav");
    const auto is = [&] (const std::string& name) { return fs::exists (spool / name); };

    keeper.tidy ({});
    for (const std::string name : { "old.wav", "half a frame.wav", "without a header.wav" })
        CHECK_FALSE (is (name + ".part"));
    CHECK (is ("one frame.wav"));
    for (const std::string name : { "alive.wav", "young.wav", "other.wav" })
        CHECK (is (name + ".part"));

    keeper.tidy ({}); // the folder may be listed in any order: now all is done
    for (const std::string name : { "old.wav", "half a frame.wav", "deleted by the user.wav" })
        CHECK_FALSE (is (name + ".loose"));
    for (const std::string name : { "one frame.wav", "alive.wav", "young.wav" })
        CHECK (is (name + ".loose"));
}

TEST_CASE ("another process that tidies the folder takes nothing away from a take")
{
    Folder folder;
    const auto bits = makeBits (2 * 100, 3);
    Spool keeper (folder.file ("spool"));
    REQUIRE (keeper.open().empty());
    const OtherProcess tidying ([&] { keeper.tidy ({}); });
    for (std::uint64_t round = 0; round < 300; ++round)
    {
        const auto name = Spool::newName (round);
        std::string problem;
        auto file = TakeFile::create (keeper.unfinished (name), { 48000, 2, 0, "take" }, problem);
        REQUIRE (file != nullptr);
        keeper.loosen (name);
        REQUIRE (file->append (asFloats (bits), 100, problem));
        REQUIRE (file->update());
        file.reset();
        const auto path = keeper.finish (name);
        REQUIRE (fs::exists (path));
        REQUIRE (fs::exists (path + ".loose"));
        REQUIRE ((WavFile (path).bits == bits));
        fs::remove (path);
    }
}

TEST_CASE ("a file that grows can be read at any time")
{
    Folder folder;
    const auto bits = makeBits (2 * 100, 3);
    const auto path = folder.file ("growing.wav");
    std::string problem;
    const auto file = TakeFile::create (path, { 48000, 2, std::nullopt, "take" }, problem);
    CHECK (WavFile (path).bits.empty());
    for (std::size_t round = 1; round < 5; ++round)
    {
        REQUIRE (file->append (asFloats (bits), 100, problem));
        REQUIRE (file->update());
        CHECK (WavFile (path).bits.size() == round * bits.size());
    }
}

TEST_CASE ("a full disk ends the take in words, with whole frames, and audio goes on")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (8000, 2, 1000);
    const auto bits = makeBits (2 * 1000, 4);
    std::vector<float> left (1000, 0.5f);
    const std::array<const float*, 2> input{ left.data(), left.data() };
    {
        const FullDisk full (10'001);
        for (int block = 0; block < 30; ++block)
            recorder.process (input.data(), 2, 1000, {}, true, true);
        recorder.finish();
        until ([&] { return ! recorder.takes().empty() && recorder.takes().back().isFinished; },
               "the take is finished");
    }
    const auto take = recorder.takes().back();
    CHECK_THAT (take.problem, Catch::Contains ("the take ends after"));
    CHECK (take.samples == (10'001 - 704) / 8);
    CHECK (WavFile (take.path).bits.size() == std::size_t (take.samples * 2));
}

TEST_CASE ("a folder that cannot be made is said in words, and audio goes on")
{
    Folder folder;
    std::ofstream (folder.file ("file")) << "in the way";
    Recorder recorder (folder.file ("file/spool"));
    recorder.prepare (8000, 1, 1000);
    const std::vector<float> samples (1000);
    const float* input = samples.data();
    for (int block = 0; block < 100; ++block)
        recorder.process (&input, 1, 1000, {}, true, true);
    recorder.finish();
    until ([&] { return ! recorder.takes().empty() && recorder.takes().back().isFinished; },
           "the take is finished");
    CHECK_THAT (recorder.takes().back().problem, Catch::Contains (folder.file ("file/spool")));
    CHECK (recorder.takes().back().path.empty());
}

TEST_CASE ("a folder that is deleted during a take is said in words, and the next take makes it")
{
    Folder folder;
    Recorder recorder (folder.file ("spool"));
    recorder.prepare (8000, 1, 1000);
    const std::vector<float> samples (1000);
    const float* input = samples.data();
    recorder.process (&input, 1, 1000, playing (0), true, true);
    until ([&] { return ! recorder.takes().empty() && recorder.takes().back().samples > 0; },
           "the take is written");
    fs::remove_all (folder.path / "spool");
    recorder.process (&input, 1, 1000, playing (1000), true, true);
    recorder.process (&input, 1, 1000, playing (5000), true, true);

    const auto takes = finished (recorder, 2);
    CHECK_THAT (takes[0].problem, Catch::Contains ("deleted while it was captured"));
    CHECK (takes[0].path.empty());
    CHECK (takes[1].problem.empty());
    CHECK (WavFile (takes[1].path).bits.size() == 1000);
}

TEST_CASE ("only the user may look into the folder and its takes")
{
    Folder folder;
    const auto spool = folder.path / "spool";
    fs::create_directory (spool);
    fs::permissions (spool, fs::perms (0777));
    Recorder recorder (spool.string());
    recorder.prepare (8000, 1, 1000);
    const std::vector<float> samples (1000);
    const float* input = samples.data();
    recorder.process (&input, 1, 1000, {}, true, true);
    recorder.finish();
    until ([&] { return ! recorder.takes().empty() && recorder.takes().back().isFinished; },
           "the take is finished");
    CHECK (fs::status (spool).permissions() == fs::perms (0700));
    CHECK (fs::status (recorder.takes().back().path).permissions() == fs::perms (0600));
    CHECK (fs::exists (recorder.takes().back().path + ".loose"));
}

TEST_CASE ("only loose takes go, and by age and size")
{
    using namespace std::chrono_literals;
    Folder folder;
    const auto add = [&] (const std::string& name, std::chrono::hours age)
    {
        write (folder.path / name, 100, age);
        write (folder.path / (name + ".loose"), 0, 0h);
    };
    add ("old.wav", 800h);
    add ("kept.wav", 800h);
    add ("first.wav", 60h);
    add ("second.wav", 50h);
    add ("third.wav", 2h);
    write (folder.path / "users.wav", 100, 9000h);
    Spool::keep (folder.file ("kept.wav"));
    const Spool spool (folder.path.string());
    const auto is = [&] (const char* name) { return fs::exists (folder.path / name); };

    spool.tidy ({ 24h * 30, 24h, 250 });
    CHECK_FALSE (is ("old.wav"));
    CHECK_FALSE (is ("old.wav.loose"));
    CHECK_FALSE (is ("first.wav")); // 300 bytes of loose ones were left, the oldest goes
    CHECK (is ("second.wav"));
    spool.tidy ({ 24h * 30, 24h, 0 });
    CHECK_FALSE (is ("second.wav"));
    CHECK (is ("third.wav")); // of the last day
    CHECK (is ("kept.wav"));
    CHECK (is ("users.wav"));
}

TEST_CASE ("the folder is named by STEMLASSO_HOME, or lies beside the store")
{
    setenv ("STEMLASSO_HOME", "/somewhere/else", 1);
    CHECK (defaultSpoolFolder() == "/somewhere/else/spool");
    unsetenv ("STEMLASSO_HOME");
    setenv ("XDG_DATA_HOME", "/data", 1);
    CHECK (defaultSpoolFolder() == "/data/stemlasso/spool");
}
