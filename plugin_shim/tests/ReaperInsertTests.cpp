// Stems onto the timeline, against a stand-in for REAPER's API (hosts/FakeReaper.h).

#include "ReaperScene.h"
#include "reaper/Envelopes.h"

using namespace stemlasso::reaper;
using namespace stemlasso::reaper::scene;

TEST_CASE ("stems stand under the original")
{
    Reaper reaper;
    auto* drums = reaper.fake.addTrack ("Drums", { { "D_VOL", 0.5 }, { "D_PAN", -0.25 } });
    reaper.fake.addTrack ("Bass");
    const Values manner{ { "D_FADEINLEN", 0.25 }, { "C_FADEOUTSHAPE", 3 }, { "D_VOL", 0.8 } };
    Values placed{ { "D_POSITION", 12.5 }, { "D_LENGTH", 1.0 } };
    placed.insert (manner.begin(), manner.end());
    const Values take{ { "D_PITCH", 2 },    { "D_VOL", 0.7 },       { "D_PAN", 0.1 },
                       { "I_CHANMODE", 1 }, { "D_PLAYRATE", 1.25 }, { "B_PPITCH", 0 } };
    auto* original = reaper.select (drums, reaper.fake.openWave (reaper.loop), placed, take);
    original->active->values["D_STARTOFFS"] = 0.5;
    const auto item = reaper.readOne();
    CHECK (reaper.api().insert (item, reaper.stems(), false, "j1").empty());
    CHECK (reaper.fake.front->kept.contains ("StemLasso placed/j1"));
    CHECK (reaper.names() == Names{ "Drums", "Drums stems", "snare", "snare (residual)", "Bass" });
    CHECK (reaper.depths() == std::vector<int>{ 0, 1, 0, -1, 0 });
    const auto& tracks = reaper.fake.front->tracks;
    CHECK (tracks[1]->values.at ("D_VOL") == 0.5);
    CHECK (tracks[1]->values.at ("D_PAN") == -0.25);
    CHECK (int (tracks[2]->values.at ("I_CUSTOMCOLOR"))
           == (0x66 | 0x9B << 8 | 0xBC << 16 | 0x1000000));
    for (std::size_t index : { 2u, 3u })
    {
        REQUIRE (tracks[index]->items.size() == 1);
        const auto& stem = *tracks[index]->items.front();
        CHECK (stem.values.at ("D_POSITION") == 12.5);
        CHECK (stem.values.at ("D_LENGTH") == 1.0);
        CHECK (stem.values.at ("B_LOOPSRC") == 0);
        for (const auto& [name, value] : manner)
            CHECK (stem.values.at (name) == value);
        REQUIRE (stem.takes.size() == 1);
        for (const auto& [name, value] : take)
            CHECK (stem.takes.front()->values.at (name) == value);
        CHECK (stem.takes.front()->values.at ("D_STARTOFFS") == 0);
        CHECK_THAT (stem.takes.front()->source->file,
                    Catch::StartsWith (reaper.folder.file ("Media/StemLasso/loop")));
        CHECK (fs::is_regular_file (stem.takes.front()->source->file));
    }
    CHECK (original->values.at ("B_MUTE") == 0);
    CHECK (reaper.fake.front->undo == Names{ "StemLasso: insert stems of loop" });
    CHECK (reaper.fake.commands == std::vector<int>{ 40047 });
    reaper.isClean();
}

TEST_CASE ("takes and muting only when asked for")
{
    Reaper reaper;
    auto* original = reaper.select (reaper.fake.addTrack ("A"), reaper.fake.openWave (reaper.loop),
                                    { { "D_POSITION", 3.0 }, { "D_LENGTH", 2.0 } });
    const auto item = reaper.readOne();
    CHECK (reaper.api().insert (item, reaper.stems (3), true).empty());
    CHECK (original->values.at ("B_MUTE") == 1);
    CHECK (reaper.names() == Names{ "A", "A stems", "snare", "snare (residual)" });
    const auto& placed = *reaper.fake.front->tracks[2]->items.front();
    REQUIRE (placed.takes.size() == 3);
    CHECK (placed.active == placed.takes.front());
    CHECK (placed.takes[2]->name == "loop - take 3");
    CHECK (reaper.fake.front->undo.size() == 1);
    reaper.isClean();
}

TEST_CASE ("stems follow an item that was moved, trimmed or sped up")
{
    Reaper reaper;
    auto* first = reaper.fake.addTrack ("A");
    auto* second = reaper.fake.addTrack ("B");
    auto* original =
        reaper.select (first, reaper.fake.openWave (reaper.loop),
                       { { "D_POSITION", 3.0 }, { "D_LENGTH", 1.0 } }, { { "D_STARTOFFS", 0.5 } });
    const auto item = reaper.readOne();
    std::erase (first->items, original);
    second->items.push_back (original);
    original->track = second;
    // moved to 8.0, then 0.25 s trimmed off its left edge, then played at half the speed
    original->values["D_POSITION"] = 8.25;
    original->active->values["D_STARTOFFS"] = 0.75;
    original->active->values["D_PLAYRATE"] = 0.5;
    CHECK (reaper.api().insert (item, reaper.stems(), false).empty());
    CHECK (reaper.names() == Names{ "A", "B", "B stems", "snare", "snare (residual)" });
    const auto& placed = *reaper.fake.front->tracks[3]->items.front();
    CHECK (placed.values.at ("D_POSITION") == Approx (8.25 - 0.25 / 0.5));
    CHECK (placed.values.at ("D_LENGTH") == Approx (2.0));
    CHECK (placed.takes.front()->values.at ("D_PLAYRATE") == 0.5);
    reaper.isClean();
}

TEST_CASE ("an item or take that is gone is refused in words")
{
    Reaper reaper;
    auto* track = reaper.fake.addTrack ("A");
    auto* original =
        reaper.select (track, reaper.fake.openWave (reaper.loop), { { "D_LENGTH", 2.0 } });
    const auto item = reaper.readOne();
    const auto files = reaper.folder.count();
    SECTION ("the item") { track->items.clear(); }
    SECTION ("the take") { original->active->guid = "{another}"; }
    const auto stems = reaper.stems();
    const auto before = reaper.fake.describe (*reaper.fake.front);
    CHECK_THAT (reaper.api().insert (item, stems, true), Catch::Contains ("no longer"));
    CHECK (reaper.fake.describe (*reaper.fake.front) == before);
    CHECK (reaper.folder.count() == files + 3); // the store of this test and the two stems in it
    reaper.isClean();
}

TEST_CASE ("a second job uses the folder again, and its tracks where there is room")
{
    Reaper reaper;
    auto* track = reaper.fake.addTrack ("A");
    for (const double position : { 0.0, 2.0, 3.0 })
        reaper.select (track, reaper.fake.openWave (reaper.loop),
                       { { "D_POSITION", position }, { "D_LENGTH", 2.0 } });
    const auto selection = reaper.read();
    REQUIRE (selection.items.size() == 3);
    for (const auto& each : selection.items)
        CHECK (reaper.api().insert (each.item, reaper.stems(), false).empty());
    CHECK (reaper.depths() == std::vector<int>{ 0, 1, 0, 0, 0, -1 });
    std::multiset<std::size_t> counts;
    for (const auto* each : reaper.fake.front->tracks)
        if (each->name == "snare")
            counts.insert (each->items.size());
    CHECK (counts == std::multiset<std::size_t>{ 1, 2 });
    CHECK (reaper.fake.front->undo.size() == 3);
    reaper.isClean();
}

TEST_CASE ("stems stay in the folder of the original")
{
    Reaper reaper;
    reaper.fake.addTrack ("Band", { { "I_FOLDERDEPTH", 1 } });
    reaper.select (reaper.fake.addTrack ("Drums", { { "I_FOLDERDEPTH", -1 } }),
                   reaper.fake.openWave (reaper.loop), { { "D_LENGTH", 2.0 } });
    reaper.fake.addTrack ("Voice");
    CHECK (reaper.api().insert (reaper.readOne(), reaper.stems(), false).empty());
    CHECK (reaper.names()
           == Names{ "Band", "Drums", "Drums stems", "snare", "snare (residual)", "Voice" });
    CHECK (reaper.depths() == std::vector<int>{ 1, 0, 1, 0, -2, 0 });
    reaper.isClean();
}

namespace
{
struct Outcome
{
    bool isReached = false, isInserted = false;
};

/** Inserts with one call of one function failing. */
Outcome withFailing (const std::string& function, int call)
{
    CAPTURE (function, call);
    Reaper reaper;
    reaper.fake.addTrack ("Band", { { "I_FOLDERDEPTH", 1 } });
    auto* drums = reaper.fake.addTrack ("Drums", { { "I_FOLDERDEPTH", -1 } });
    reaper.select (drums, reaper.fake.openWave (reaper.loop), { { "D_LENGTH", 2.0 } });
    const auto item = reaper.readOne();
    const auto stems = reaper.stems (2);
    const auto files = reaper.folder.count();
    const auto before = reaper.fake.describe (*reaper.fake.front);
    reaper.fake.failing[function] = call;
    const bool isInserted = reaper.api().insert (item, stems, true).empty();
    const Outcome outcome{ reaper.fake.callsOf (function) >= call, isInserted };
    reaper.isClean();
    if (isInserted)
        return outcome;
    CHECK (reaper.fake.describe (*reaper.fake.front) == before);
    CHECK (reaper.fake.front->undo.empty());
    CHECK (reaper.folder.count() - files <= 2); // the media folder and StemLasso in it, both empty
    return outcome;
}
} // namespace

TEST_CASE ("everything or nothing: each call of each function fails in turn")
{
    for (const auto* function :
         { "InsertTrackInProject", "AddMediaItemToTrack", "AddTakeToMediaItem",
           "PCM_Source_CreateFromFile", "GetSetMediaItemTakeInfo", "SetMediaItemInfo_Value",
           "SetMediaItemTakeInfo_Value", "SetMediaTrackInfo_Value" })
    {
        int failures = 0;
        for (int call = 1;; ++call)
        {
            const auto outcome = withFailing (function, call);
            failures += outcome.isInserted ? 0 : 1;
            if (! outcome.isReached)
                break;
        }
        CAPTURE (function);
        CHECK (failures >= 2); // a field that an older REAPER lacks may be refused
    }
}

TEST_CASE ("the folder sounds as the original's track does")
{
    Reaper reaper;
    const Values manner{ { "I_PANMODE", 5 }, { "D_WIDTH", 0.5 }, { "D_PANLAW", 0.7071 },
                         { "B_PHASE", 1 },   { "I_NCHAN", 6 },   { "D_PAN", 0.25 } };
    auto* drums = reaper.fake.addTrack ("Drums", manner);
    drums->values["C_BEATATTACHMODE"] = 2;
    auto* original = reaper.select (drums, reaper.fake.openWave (reaper.loop),
                                    { { "D_LENGTH", 2.0 }, { "C_BEATATTACHMODE", 1 } },
                                    { { "I_PITCHMODE", 0x90000 }, { "D_PANLAW", 0.5 } });
    original->takes.front()->values["D_PLAYRATE"] = 1.5;
    const auto item = reaper.readOne();
    SECTION ("in a REAPER that has all fields, and gives new takes a source")
    {
        CHECK (reaper.api().insert (item, reaper.stems (2), false).empty());
        const auto& tracks = reaper.fake.front->tracks;
        for (const auto& [name, value] : manner)
            CHECK (tracks[1]->values.at (name) == value);
        for (std::size_t index : { 2u, 3u })
        {
            CHECK (tracks[index]->values.at ("I_NCHAN") == 6);
            CHECK (tracks[index]->values.at ("D_PANLAW") == 1);
            CHECK (tracks[index]->values.at ("D_PAN") == 0);
            CHECK (tracks[index]->values.at ("B_PHASE") == 0);
            CHECK (tracks[index]->values.at ("C_BEATATTACHMODE") == 2);
            const auto* placed = tracks[index]->items.front();
            CHECK (placed->values.at ("C_BEATATTACHMODE") == 1);
            for (const auto* take : placed->takes)
            {
                CHECK (take->source->kind == "WAVE");
                CHECK (take->values.at ("I_PITCHMODE") == 0x90000);
                CHECK (take->values.at ("D_PANLAW") == 0.5);
            }
        }
    }
    SECTION ("in one that lacks some of them, and gives none")
    {
        reaper.fake.givesTakesASource = false;
        reaper.fake.missingFields = { "I_PANLAW_FLAGS", "D_WIDTH", "C_BEATATTACHMODE" };
        CHECK (reaper.api().insert (item, reaper.stems (2), false).empty());
        CHECK (reaper.fake.front->tracks[1]->values.at ("B_PHASE") == 1);
    }
    reaper.isClean();
}

TEST_CASE ("functions that REAPER does not have are named before anything is changed")
{
    Reaper reaper;
    reaper.select (reaper.fake.addTrack ("A"), reaper.fake.openWave (reaper.loop),
                   { { "D_LENGTH", 2.0 } });
    const auto item = reaper.readOne();
    const auto stems = reaper.stems();
    const auto before = reaper.fake.describe (*reaper.fake.front);
    const Names needed{
#define NAME(Result, name, Arguments) #name,
        STEMLASSO_REAPER_READS (NAME) STEMLASSO_REAPER_WRITES (NAME)
#undef NAME
    };
    for (const auto& name : needed)
    {
        reaper.fake.missing = { name };
        CHECK_FALSE (reaper.api().canInsert());
        CHECK_THAT (reaper.api().insert (item, stems, true), Catch::Contains (name));
    }
    CHECK (reaper.fake.describe (*reaper.fake.front) == before);
    reaper.fake.missing = { "GetActiveTake" };
    CHECK_FALSE (reaper.api().canRead());
    CHECK_THAT (reaper.read().refusals.at (0), Catch::Contains ("GetActiveTake"));
    reaper.isClean();
}

TEST_CASE ("extras that REAPER does not have are done without")
{
    Reaper reaper;
    reaper.select (reaper.fake.addTrack ("A"), reaper.fake.openWave (reaper.loop),
                   { { "D_LENGTH", 2.0 } });
#define NAME(Result, name, Arguments) #name,
    reaper.fake.missing = { STEMLASSO_REAPER_EXTRAS (NAME) "CreateTakeAudioAccessor" };
#undef NAME
    const auto item = reaper.readOne();
    CHECK (reaper.api().insert (item, reaper.stems(), false).empty());
    CHECK (reaper.names() == Names{ "A", "A stems", "snare", "snare (residual)" });
    reaper.select (reaper.fake.front->tracks[0],
                   reaper.fake.reverse (reaper.fake.openWave (reaper.loop)),
                   { { "D_LENGTH", 1.0 } });
    CHECK_THAT (reaper.read().refusals.at (0), Catch::Contains ("CreateTakeAudioAccessor"));
    reaper.isClean();
}

TEST_CASE ("stems go into the plug-in's own project, not the one in front")
{
    Reaper reaper;
    auto* own = reaper.fake.front;
    reaper.select (reaper.fake.addTrack ("A"), reaper.fake.openWave (reaper.loop),
                   { { "D_LENGTH", 2.0 } });
    const auto item = reaper.readOne();
    reaper.fake.projects.push_back (std::make_unique<Project>());
    reaper.fake.front = reaper.fake.projects.back().get();
    reaper.fake.addTrack ("Elsewhere");
    const auto make = [&]
    {
        return ReaperApi ([&] (const char* name) { return reaper.fake.function (name); },
                          [&] { return own; });
    };
    reaper.fake.missing = { "InsertTrackInProject" };
    CHECK_THAT (make().insert (item, reaper.stems(), false), Catch::Contains ("tab to the front"));
    reaper.fake.missing = {};
    CHECK (make().insert (item, reaper.stems(), false).empty());
    CHECK (reaper.names() == Names{ "Elsewhere" });
    CHECK (own->tracks.size() == 4);
    CHECK (own->undo.size() == 1);
    reaper.isClean();
}

TEST_CASE ("take envelopes go with the stems, at the right times")
{
    Reaper reaper;
    const std::string volume = "<VOLENV\nACT 1 -1\nPT 0.5 0.25 0\nPT 1.5 1 0\n>\n";
    const std::string pitch = "<PITCHENV\nPT 0 2 0\n>\n";
    auto* track = reaper.fake.addTrack ("A");
    SECTION ("a stretch of a file")
    {
        auto* original = reaper.select (track, reaper.fake.openWave (reaper.loop),
                                        { { "D_LENGTH", 1.0 } }, { { "D_PLAYRATE", 2.0 } });
        original->active->envelopes =
            "<VOLENV\nEGUID {x}\nACT 1 -1\nPT 0.5 0.25 0\nPT 1.5 1 0\n>\n" + pitch;
        const auto item = reaper.readOne();
        CHECK (reaper.api().insert (item, reaper.stems (2), false).empty());
        const auto& placed = *reaper.fake.front->tracks[2]->items.front();
        REQUIRE (placed.takes.size() == 2);
        for (const auto* take : placed.takes)
            CHECK (take->envelopes == volume + pitch);
        CHECK (placed.active == placed.takes.front());
    }
    SECTION ("a rendering has its play rate and pitch in it")
    {
        auto* original =
            reaper.select (track, reaper.fake.reverse (reaper.fake.openWave (reaper.loop)),
                           { { "D_LENGTH", 1.0 } }, { { "D_PLAYRATE", 2.0 } });
        original->active->envelopes = volume + pitch;
        CHECK (reaper.api().insert (reaper.readOne(), reaper.stems(), false).empty());
        const auto& placed = *reaper.fake.front->tracks[2]->items.front();
        CHECK (placed.takes.front()->envelopes
               == "<VOLENV\nACT 1 -1\nPT 0.25 0.25 0\nPT 0.75 1 0\n>\n");
    }
    CHECK (reaper.fake.front->undo.size() == 1);
    reaper.isClean();
}

TEST_CASE ("envelopes are those of the take that was separated")
{
    const std::string item =
        "<ITEM\nIGUID {i}\nGUID {a}\n<SOURCE WAVE\nFILE a\n>\n<PANENV\nPT 0 1 0\n>\n"
        "TAKE\nGUID {b}\n<SOURCE SECTION\n<SOURCE WAVE\nFILE b\n>\n>\n<MUTEENV\nPT 1 0 1\n>\n>\n";
    CHECK (envelopesOf (item, "{a}", true, {}) == "<PANENV\nPT 0 1 0\n>\n");
    CHECK (envelopesOf (item, "{b}", true, { 1, 0.5 }) == "<MUTEENV\nPT 1 0 1\n>\n");
    CHECK (envelopesOf (item, "{c}", true, {}).empty());
    for (std::size_t length = 0; length < item.size(); ++length)
        envelopesOf (item.substr (0, length), "{b}", true, {}); // a damaged text is survived
}
