// Selected items as files, made slice by slice while the user goes on working in REAPER.

#include "ReaperScene.h"
#include "reaper/SelectionRead.h"

using namespace stemlasso::reaper;
using namespace stemlasso::reaper::scene;
using namespace std::chrono_literals;

namespace
{
/** A reversed item of two seconds, that is to be rendered. */
struct Slices : Reaper
{
    std::string media = folder.file ("Media/StemLasso");
    Track* track = fake.addTrack ("A");
    MediaItem* item = select (track, fake.reverse (fake.openWave (loop)),
                              { { "D_POSITION", 4.0 }, { "D_LENGTH", 2.0 } });

    std::unique_ptr<SelectionRead> start() { return api().startReading (media); }

    /** Goes on for some slices, and is not done then. */
    static void begin (SelectionRead& read, int slices = 4)
    {
        for (int slice = 0; slice < slices; ++slice)
            REQUIRE_FALSE (read.advance (0s));
    }

    static Selection finish (SelectionRead& read)
    {
        while (! read.advance (0s))
            continue;
        return read.result();
    }

    std::size_t countOf (const std::string& suffix) const
    {
        std::size_t count = 0;
        if (fs::exists (folder.path / "Media"))
            for (const auto& each : fs::recursive_directory_iterator (folder.path / "Media"))
                count += each.path().extension() == suffix ? 1 : 0;
        return count;
    }

    /** Nothing came of it but these words, and nothing is left of it. */
    void isRefused (const Selection& selection, const std::string& words) const
    {
        CHECK (selection.items.empty());
        REQUIRE (selection.refusals.size() == 1);
        CHECK_THAT (selection.refusals.front(), Catch::Contains (words));
        CHECK (countOf (".wav") + countOf (".part") == 0);
        isClean();
    }
};
} // namespace

TEST_CASE ("a slice at a time, and the file has its name only at the end")
{
    Slices scene;
    const auto read = scene.start();
    CHECK (scene.fake.slices == 0);
    int turns = 0, slices = 0;
    for (bool isDone = false; ! isDone; ++turns)
    {
        isDone = read->advance (0s);
        CHECK (scene.fake.slices - slices <= 1);
        slices = scene.fake.slices;
        CHECK (scene.countOf (".part") == (isDone ? 0u : 1u));
        CHECK (scene.countOf (".wav") == (isDone ? 1u : 0u));
    }
    CHECK (slices == (2 * rate + 8191) / 8192);
    CHECK (turns == slices + 1);
    const auto selection = read->result();
    REQUIRE (selection.items.size() == 1);
    auto expected = std::vector<double>();
    for (std::size_t frame = 2 * rate; frame-- > 0;)
        expected.insert (expected.end(), { scene.ramp[2 * frame], scene.ramp[2 * frame + 1] });
    CHECK (readFloats (selection.items.front().item.file) == expected);
    scene.isClean();
}

TEST_CASE ("what takes long says how far it is")
{
    Slices scene;
    scene.select (scene.track, scene.fake.openWave (scene.loop), { { "D_LENGTH", 1.0 } });
    const auto read = scene.start();
    Slices::begin (*read, 7);
    CHECK (read->progress() == "REAPER renders loop (1 of 2): 51 %");
    while (read->progress().find ("renders") != std::string::npos)
        read->advance (0s);
    CHECK (read->progress() == "Copying loop (2 of 2): 0 %");
    CHECK (Slices::finish (*read).items.size() == 2);
    CHECK (read->progress().empty());
    scene.isClean();
}

TEST_CASE ("a turn is as long as it may be")
{
    Slices scene;
    const auto read = scene.start();
    while (! read->advance (1h))
        FAIL ("an hour is enough");
    CHECK (read->result().items.size() == 1);
    CHECK (scene.start()->advance (0s) == false);
}

TEST_CASE ("cancelled, or with its plug-in gone, nothing is left")
{
    Slices scene;
    auto read = scene.start();
    Slices::begin (*read);
    SECTION ("cancelled")
    {
        read->cancel();
        CHECK (read->advance (0s));
        scene.isRefused (read->result(), "Cancelled: 0 of 1 items");
    }
    SECTION ("cancelled when it is done already")
    {
        Slices::finish (*read);
        read->cancel();
        CHECK (read->result().items.size() == 1);
        CHECK (read->result().refusals.empty());
    }
    SECTION ("gone")
    {
        read.reset();
        CHECK (scene.countOf (".part") == 0);
    }
    scene.isClean();
}

TEST_CASE ("what happens to the item while it is rendered is said in words")
{
    Slices scene;
    const auto read = scene.start();
    // without these functions the project is looked through
    const bool isOld = GENERATE (false, true);
    if (isOld)
        scene.fake.missing = { "ValidatePtr2", "AudioAccessorStateChanged" };
    Slices::begin (*read);
    auto& take = *scene.item->active;
    SECTION ("deleted")
    {
        scene.fake.deleteItem (scene.item);
        scene.isRefused (Slices::finish (*read), "it was deleted before it was rendered");
    }
    SECTION ("deleted, and another one at its address")
    {
        scene.item->guid = "{another}";
        scene.isRefused (Slices::finish (*read), "it was deleted before it was rendered");
    }
    SECTION ("trimmed")
    {
        scene.item->values["D_LENGTH"] = 1.0;
        scene.isRefused (Slices::finish (*read), "it was changed before it was rendered");
    }
    SECTION ("slipped")
    {
        take.values["D_STARTOFFS"] = 0.25;
        scene.isRefused (Slices::finish (*read), "it was changed before it was rendered");
    }
    SECTION ("its takes made anew, as REAPER does with an item's text")
    {
        scene.fake.addTake (scene.item, take.source);
        scene.item->takes.erase (scene.item->takes.begin());
        scene.item->active = scene.item->takes.front();
        scene.isRefused (Slices::finish (*read), "it was changed before it was rendered");
    }
    SECTION ("its media taken offline")
    {
        take.isOffline = true;
        scene.isRefused (Slices::finish (*read), "is the media offline?");
    }
    SECTION ("its project closed")
    {
        scene.fake.projects.push_back (std::make_unique<Project>());
        scene.fake.closeProject (scene.fake.projects.front().get());
        scene.isRefused (Slices::finish (*read), "its project was closed before it was rendered");
    }
    SECTION ("moved: the stems belong where it is")
    {
        scene.item->values["D_POSITION"] = 7.5;
        const auto selection = Slices::finish (*read);
        REQUIRE (selection.items.size() == 1);
        CHECK (selection.items.front().item.startSeconds == 7.5);
        CHECK_FALSE (selection.items.front().tempoBpm);
        scene.isClean();
    }
    SECTION ("another tab in front")
    {
        scene.fake.projects.push_back (std::make_unique<Project>());
        scene.fake.front = scene.fake.projects.back().get();
        CHECK (Slices::finish (*read).items.size() == 1);
        scene.isClean();
    }
}

TEST_CASE ("an item that waits its turn may be gone when it comes")
{
    Slices scene;
    auto* second = scene.select (scene.track, scene.fake.reverse (scene.fake.openWave (scene.loop)),
                                 { { "D_LENGTH", 1.0 } });
    const auto read = scene.start();
    Slices::begin (*read);
    scene.fake.deleteItem (second);
    const auto selection = Slices::finish (*read);
    CHECK (selection.items.size() == 1);
    REQUIRE (selection.refusals.size() == 1);
    CHECK_THAT (selection.refusals.front(), Catch::Contains ("deleted"));
    scene.isClean();
}

TEST_CASE ("a function that is null all at once is not called any more")
{
    for (const auto* name :
         { "GetAudioAccessorSamples", "GetMediaItemInfo_Value", "GetMediaItemTakeInfo_Value" })
    {
        CAPTURE (name);
        Slices scene;
        const auto read = scene.start();
        Slices::begin (*read);
        scene.fake.missing = { name };
        scene.isRefused (Slices::finish (*read), std::string ("this REAPER has no ") + name);
    }
}

TEST_CASE ("two plug-ins that read at once do not share a file")
{
    Slices scene;
    const auto one = scene.start(), other = scene.start();
    Slices::begin (*one);
    Slices::begin (*other);
    CHECK (scene.countOf (".part") == 2);
    const auto first = Slices::finish (*one), second = Slices::finish (*other);
    REQUIRE (first.items.size() == 1);
    REQUIRE (second.items.size() == 1);
    CHECK (first.items.front().item.file != second.items.front().item.file);
    CHECK (readFloats (first.items.front().item.file)
           == readFloats (second.items.front().item.file));
    scene.isClean();
}

TEST_CASE ("a long stretch of a file is copied in slices as well")
{
    Slices scene;
    scene.item->isSelected = false;
    const auto song = scene.folder.file ("song.wav");
    const auto ramp = writeRamp (song, 10 * rate);
    scene.select (scene.track, scene.fake.openWave (song), { { "D_LENGTH", 9.0 } },
                  { { "D_STARTOFFS", 0.5 } });
    const auto read = scene.start();
    Slices::begin (*read, 3);
    CHECK (scene.countOf (".part") == 1);
    SECTION ("whole")
    {
        const auto selection = Slices::finish (*read);
        REQUIRE (selection.items.size() == 1);
        CHECK (readFloats (selection.items.front().item.file)
               == std::vector (ramp.begin() + rate, ramp.begin() + 19 * rate));
        scene.isClean();
    }
    SECTION ("its file cut off meanwhile")
    {
        fs::resize_file (song, 1000);
        scene.isRefused (Slices::finish (*read), "it changed while it was read");
    }
    SECTION ("its item deleted meanwhile: the audio is there all the same")
    {
        scene.fake.deleteItem (scene.fake.front->tracks[0]->items.back());
        CHECK (Slices::finish (*read).items.size() == 1);
        scene.isClean();
    }
}

TEST_CASE ("a folder that cannot be written is named")
{
    Slices scene;
    std::ofstream (scene.folder.file ("Media")).put ('x');
    const auto read = scene.start();
    const auto selection = Slices::finish (*read);
    CHECK (selection.items.empty());
    REQUIRE (selection.refusals.size() == 1);
    CHECK_THAT (selection.refusals.front(), Catch::Contains ("could not be written"));
    scene.isClean();
}

TEST_CASE ("the timeline's tempo is a clip's where it is one, and the clip runs in step with it")
{
    Slices scene;
    const auto tempo = [&] { return scene.read().items.at (0).tempoBpm; };
    scene.fake.tempos = { { 0, 97.5 } };
    CHECK (tempo() == 97.5);
    SECTION ("another one before and behind")
    {
        scene.fake.tempos = { { 0, 90 }, { 3.5, 128 }, { 6.25, 60 } };
        CHECK (tempo() == 128);
    }
    SECTION ("another one within")
    {
        scene.fake.tempos = { { 0, 90 }, { 5.2, 91 } };
        CHECK_FALSE (tempo());
    }
    SECTION ("and back again")
    {
        scene.fake.tempos = { { 0, 90 }, { 4.6, 120 }, { 4.9, 90 } };
        CHECK_FALSE (tempo());
    }
    SECTION ("faster than the wire has")
    {
        scene.fake.tempos = { { 0, 1001 } };
        CHECK_FALSE (tempo());
    }
    SECTION ("a REAPER that does not tell")
    {
        scene.fake.missing = { "TimeMap_timeToQN_abs" };
        CHECK_FALSE (tempo());
    }
    SECTION ("a cut of a file at another rate")
    {
        scene.item->isSelected = false;
        auto* plain = scene.select (scene.track, scene.fake.openWave (scene.loop),
                                    { { "D_LENGTH", 1.0 } }, { { "D_PLAYRATE", 1.5 } });
        CHECK_FALSE (tempo());
        plain->active->values["D_PLAYRATE"] = 1;
        CHECK (tempo() == 97.5);
    }
    scene.isClean();
}
