// Selected items as files, against a stand-in for REAPER's API (hosts/FakeReaper.h).

#include "ReaperScene.h"

using namespace stemlasso::reaper;
using namespace stemlasso::reaper::scene;

TEST_CASE ("a whole file is used as it is")
{
    Reaper reaper;
    auto* drums = reaper.fake.addTrack ("Drums");
    reaper.select (drums, reaper.fake.openWave (reaper.loop),
                   { { "D_POSITION", 12.5 }, { "D_LENGTH", 2.0 } });
    const auto item = reaper.readOne();
    CHECK (item.file == reaper.loop);
    CHECK (item.name == "loop");
    CHECK (item.trackName == "Drums");
    CHECK (item.project == reaper.fake.front->file);
    CHECK (item.positionSeconds == 12.5);
    CHECK (item.startSeconds == 12.5);
    CHECK (item.offsetSeconds == 0);
    CHECK_FALSE (item.isRendered);
    CHECK (reaper.folder.count() == reaper.filesBefore);
    reaper.isClean();
}

TEST_CASE ("a stretch is cut bit for bit and keeps the file's time base")
{
    Reaper reaper;
    const auto offset = 1001.25 / rate;
    reaper.select (reaper.fake.addTrack ("A"), reaper.fake.openWave (reaper.loop),
                   { { "D_POSITION", 3.0 }, { "D_LENGTH", 0.5 } },
                   { { "D_STARTOFFS", offset }, { "D_PLAYRATE", 1.5 }, { "D_PITCH", 2 } });
    const auto item = reaper.readOne();
    CHECK (item.file != reaper.loop);
    const auto expected =
        std::vector (reaper.ramp.begin() + 2 * 1001, reaper.ramp.begin() + 2 * (1001 + 36001));
    CHECK (readFloats (item.file) == expected);
    CHECK (item.playRate == 1.5);
    CHECK (item.offsetSeconds == Approx (0.25 / rate).margin (1e-12));
    CHECK (item.startSeconds == Approx (3.0 - 0.25 / rate / 1.5).margin (1e-12));
    reaper.isClean();
}

TEST_CASE ("what is no plain stretch is rendered as it sounds")
{
    Reaper reaper;
    auto* track = reaper.fake.addTrack ("A");
    auto* wave = reaper.fake.openWave (reaper.loop);
    const auto frames = [&] (std::size_t first, std::size_t count, bool isReversed)
    {
        std::vector<double> expected;
        for (std::size_t index = first; index < first + count; ++index)
            for (std::size_t channel = 0; channel < 2; ++channel)
            {
                const auto frame = index % (2 * rate);
                expected.push_back (
                    reaper.ramp[2 * (isReversed ? 2 * rate - 1 - frame : frame) + channel]);
            }
        return expected;
    };
    SECTION ("reversed")
    {
        reaper.select (track, reaper.fake.reverse (wave),
                       { { "D_LENGTH", 0.5 }, { "D_POSITION", 1 } }, { { "D_STARTOFFS", 0.25 } });
        const auto item = reaper.readOne();
        CHECK (readFloats (item.file) == frames (rate / 4, rate / 2, true));
        CHECK (item.startSeconds == 1.0);
        CHECK (item.isRendered);
        CHECK (item.playRate == 1);
    }
    SECTION ("looped")
    {
        reaper.select (track, wave, { { "D_LENGTH", 3.0 } }, { { "D_STARTOFFS", 0.5 } });
        CHECK (readFloats (reaper.readOne().file) == frames (rate / 2, 3 * rate, false));
    }
    SECTION ("stretched")
    {
        reaper.select (track, wave, { { "D_LENGTH", 2.0 } })->active->markers = 2;
        const auto item = reaper.readOne();
        CHECK (item.file != reaper.loop);
        CHECK (readFloats (item.file) == reaper.ramp);
    }
    reaper.isClean();
}

TEST_CASE ("what cannot be separated is named and the rest goes")
{
    Reaper reaper;
    auto* track = reaper.fake.addTrack ("A");
    auto& fake = reaper.fake;
    const Values second{ { "D_LENGTH", 1.0 } };
    reaper.select (track, fake.makeSource ("MIDI", ""), second);
    auto* gone = fake.makeSource ("WAVE", reaper.folder.file ("gone.wav"), 1);
    gone->rate = rate;
    gone->channels = 2;
    reaper.select (track, gone, second);
    reaper.select (track, fake.makeSource ("EMPTY", ""), second);
    fake.addItem (track, second)->isSelected = true;
    reaper.select (track, fake.openWave (reaper.loop), { { "D_LENGTH", 1.0 }, { "B_LOOPSRC", 0 } },
                   { { "D_STARTOFFS", 5.0 } });
    reaper.select (track, fake.reverse (fake.openWave (reaper.loop)), second)->active->isOffline =
        true;
    reaper.select (track, fake.reverse (fake.openWave (reaper.loop)), { { "D_LENGTH", 1300.0 } });
    reaper.select (track, fake.openWave (reaper.loop), second);
    const auto selection = reaper.read();
    CHECK (selection.items.size() == 1);
    const Names wanted{ "MIDI",
                        "gone.wav",
                        "no audio",
                        "without a take",
                        "beyond the end",
                        "offline",
                        "longer than 20 minutes" };
    REQUIRE (selection.refusals.size() == wanted.size());
    for (std::size_t index = 0; index < wanted.size(); ++index)
        CHECK_THAT (selection.refusals[index], Catch::Contains (wanted[index]));
    reaper.isClean();
}

TEST_CASE ("a broken or endless file is refused, not followed")
{
    Reaper reaper;
    const auto broken = reaper.folder.file ("broken.wav");
    std::ifstream whole (reaper.loop, std::ios::binary);
    std::string bytes (44, '\0');
    whole.read (bytes.data(), 44);
    for (std::size_t length = 0; length <= bytes.size(); ++length)
    {
        std::ofstream (broken, std::ios::binary).write (bytes.data(), std::streamsize (length));
        const auto format = readWav (broken);
        CHECK ((! format || format->samples == 0));
    }
    // chunks of no length, without end
    std::ofstream out (broken, std::ios::binary);
    out << "RIFF" << std::string (4, '\0') << "WAVE" << std::string (40000, '\0');
    out.close();
    CHECK_FALSE (readWav (broken));
}

TEST_CASE ("the time selection is found in the item's file")
{
    Reaper reaper;
    reaper.select (reaper.fake.addTrack ("A"), reaper.fake.openWave (reaper.loop),
                   { { "D_POSITION", 10.0 }, { "D_LENGTH", 0.5 } },
                   { { "D_STARTOFFS", 1.0 }, { "D_PLAYRATE", 2 } });
    reaper.fake.selectionStart = 10.125;
    reaper.fake.selectionEnd = 11;
    const auto selection = reaper.read();
    REQUIRE (selection.items.size() == 1);
    CHECK (selection.items.front().timeSelection == Stretch{ 0.25, 1.0 });
    reaper.fake.selectionStart = reaper.fake.selectionEnd;
    CHECK_FALSE (reaper.read().items.front().timeSelection);
    reaper.isClean();
}

TEST_CASE ("take effects are remarked on")
{
    Reaper reaper;
    auto* item = reaper.select (reaper.fake.addTrack ("A"), reaper.fake.openWave (reaper.loop),
                                { { "D_LENGTH", 2.0 } });
    CHECK (reaper.read().items.at (0).remark.empty());
    item->active->effects = 1;
    CHECK_THAT (reaper.read().items.at (0).remark, Catch::Contains ("take effects"));
    reaper.isClean();
}

TEST_CASE ("names of files")
{
    CHECK (cleanName ("a/b:c?") == "a b c");
    CHECK (cleanName ("...") == "clip");
    CHECK (cleanName (std::string (79, 'x') + "\xC3\xBC") == std::string (79, 'x'));
    CHECK (utf8Of (pathOf ("f\xC3\xBCr Zo\xC3\xAB")) == "f\xC3\xBCr Zo\xC3\xAB");
}
