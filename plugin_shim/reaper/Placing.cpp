#include "Placing.h"

#include "Envelopes.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

namespace stemlasso::reaper
{

namespace
{
constexpr const char* markField = "P_EXT:StemLasso";
constexpr int everything = -1, nothing = 0; ///< of REAPER's undo flags
constexpr int buildMissingPeaks = 40047; ///< REAPER's own action, which goes on in the background
constexpr int customColour = 0x1000000;
constexpr double touching = 1e-9;
constexpr std::array fades{ "D_FADEINLEN", "D_FADEOUTLEN", "D_FADEINLEN_AUTO", "D_FADEOUTLEN_AUTO",
                            "D_FADEINDIR", "D_FADEOUTDIR", "C_FADEINSHAPE",    "C_FADEOUTSHAPE" };
// What else the original's track does to the sum: only now does the folder sound as the track does.
// The kind of pan stands first, as the others mean something only with it.
constexpr std::array manners{ "I_PANMODE", "D_WIDTH",        "D_DUALPANL", "D_DUALPANR",
                              "D_PANLAW",  "I_PANLAW_FLAGS", "B_PHASE",    "I_NCHAN" };
constexpr const char* timebase = "C_BEATATTACHMODE";
constexpr double noPanLaw = 1; ///< nothing is taken away in the centre

/** One track and what goes onto it. */
struct Lane
{
    StemToInsert stem;
    std::vector<StemToInsert> takes; ///< the stem itself first
    std::vector<Source*> sources;    ///< one for each; null once REAPER owns it
    Track* track = nullptr;
};

/** Thrown inside one insertion, caught at its end. */
struct Failed
{
    std::string words;
};

class Placing
{
public:
    Placing (const Functions& functions, const Plan& planToUse)
        : reaper (functions), plan (planToUse)
    {
    }
    ~Placing()
    {
        for (auto& lane : lanes)
            for (auto* source : lane.sources)
                if (source != nullptr)
                    reaper.PCM_Source_Destroy (source);
    }

    void openSources (const std::vector<StemToInsert>& stems)
    {
        for (const auto& stem : stems)
        {
            auto* source = reaper.PCM_Source_CreateFromFile (stem.path.c_str());
            if (source == nullptr)
                throw Failed{ "a stem is gone or cannot be read: " + stem.path };
            const auto isTake = stem.isCandidate && ! lanes.empty();
            if (! isTake)
                lanes.push_back ({ stem, {}, {}, nullptr });
            auto& lane = isTake ? lanes.front() : lanes.back();
            lane.takes.push_back (stem);
            lane.sources.push_back (source);
        }
    }

    void makeTracks()
    {
        auto* folder = findTrack (markField, "folder " + plan.origin);
        const bool isNew = folder == nullptr || depthOf (folder) != 1;
        auto index = 1 + (isNew ? indexOf (plan.track) : indexOf (folder));
        if (isNew)
        {
            folder = newTrack (index++, plan.folderName, "folder " + plan.origin, "");
            for (const auto* field : manners)
                tryToCopy (folder, field);
            for (const auto* field : { "D_VOL", "D_PAN" })
                set (folder, field, reaper.GetMediaTrackInfo_Value (plan.track, field));
            set (folder, "I_FOLDERDEPTH", 1);
        }
        Track* last = nullptr;
        for (auto& lane : lanes)
        {
            const auto mark = "stem " + plan.origin + " " + lane.stem.track;
            auto* there = isNew ? nullptr : findTrack (markField, mark);
            const bool isUsable =
                there != nullptr && reaper.GetParentTrack (there) == folder && hasRoom (there);
            lane.track = isUsable ? there : newStemTrack (index++, lane.stem, mark);
            last = lane.track;
        }
        if (isNew)
            closeFolder (last);
    }

    void fill (Lane& lane)
    {
        auto* item = reaper.AddMediaItemToTrack (lane.track);
        if (item == nullptr)
            throw Failed{ "REAPER made no item on " + lane.stem.track };
        items.push_back ({ lane.track, item });
        const auto ofOriginal = [&] (const char* field)
        { return reaper.GetMediaItemInfo_Value (plan.item, field); };
        set (item, "D_POSITION", plan.position);
        set (item, "D_LENGTH", plan.length);
        set (item, "B_LOOPSRC", 0);
        set (item, "D_VOL", ofOriginal ("D_VOL"));
        reaper.SetMediaItemInfo_Value (item, timebase, ofOriginal (timebase));
        for (const auto* field : fades)
            set (item, field, ofOriginal (field));
        Take* first = nullptr;
        for (std::size_t index = 0; index < lane.takes.size(); ++index)
        {
            auto* take = addTake (item, lane.takes[index], lane.sources[index]);
            first = first != nullptr ? first : take;
        }
        reaper.SetActiveTake (first);
        if (! plan.envelopes.empty())
            addEnvelopes (item);
    }

    void fillAll (bool muteOriginal)
    {
        for (auto& lane : lanes)
            fill (lane);
        if (muteOriginal)
            set (plan.item, "B_MUTE", 1);
    }

    /** Takes back everything that was added. */
    void undo()
    {
        for (auto each = items.rbegin(); each != items.rend(); ++each)
            reaper.DeleteTrackMediaItem (each->track, each->item);
        for (auto each = tracks.rbegin(); each != tracks.rend(); ++each)
            reaper.DeleteTrack (*each);
        if (changedDepth)
            reaper.SetMediaTrackInfo_Value (plan.track, "I_FOLDERDEPTH", *changedDepth);
    }

private:
    struct Placed
    {
        Track* track;
        MediaItem* item;
    };

    void set (Track* track, const char* field, double value)
    {
        if (! reaper.SetMediaTrackInfo_Value (track, field, value))
            throw Failed{ std::string ("REAPER did not take ") + field + " of a track" };
    }

    void set (MediaItem* item, const char* field, double value)
    {
        if (! reaper.SetMediaItemInfo_Value (item, field, value))
            throw Failed{ std::string ("REAPER did not take ") + field + " of an item" };
    }

    void set (Take* take, const char* field, double value)
    {
        if (! reaper.SetMediaItemTakeInfo_Value (take, field, value))
            throw Failed{ std::string ("REAPER did not take ") + field + " of a take" };
    }

    void setText (Track* track, const char* field, const std::string& text)
    {
        auto buffer = text; // the API takes no constant text
        reaper.GetSetMediaTrackInfo_String (track, field, buffer.data(), true);
    }

    double depthOf (Track* track) const
    {
        return reaper.GetMediaTrackInfo_Value (track, "I_FOLDERDEPTH");
    }

    Track* findTrack (const char* field, const std::string& text) const
    {
        for (int index = 0; index < reaper.CountTracks (plan.project); ++index)
            if (auto* track = reaper.GetTrack (plan.project, index);
                textOf (reaper, track, field) == text)
                return track;
        return nullptr;
    }

    int indexOf (Track* wanted) const
    {
        const auto count = reaper.CountTracks (plan.project);
        for (int index = 0; index < count; ++index)
            if (reaper.GetTrack (plan.project, index) == wanted)
                return index;
        return count - 1;
    }

    Track* newTrack (int index, const std::string& name, const std::string& mark,
                     const std::string& colour)
    {
        const auto before = reaper.CountTracks (plan.project);
        if (plan.project != nullptr && reaper.InsertTrackInProject != nullptr)
            reaper.InsertTrackInProject (plan.project, index, 0);
        else
            reaper.InsertTrackAtIndex (index, false); // default effects would change the sum
        auto* track = reaper.CountTracks (plan.project) == before + 1
                          ? reaper.GetTrack (plan.project, index)
                          : nullptr;
        if (track == nullptr)
            throw Failed{ "REAPER made no track for " + name };
        tracks.push_back (track);
        setText (track, "P_NAME", name);
        setText (track, markField, mark);
        unsigned red = 0, green = 0, blue = 0;
        if (reaper.ColorToNative != nullptr
            && std::sscanf (colour.c_str(), "#%2x%2x%2x", &red, &green, &blue) == 3)
            set (track, "I_CUSTOMCOLOR",
                 reaper.ColorToNative (int (red), int (green), int (blue)) | customColour);
        return track;
    }

    /** The folder's pan law is the track's own: a second one on the way to it would take twice. */
    Track* newStemTrack (int index, const StemToInsert& stem, const std::string& mark)
    {
        auto* track = newTrack (index, stem.track, mark, stem.colour);
        tryToCopy (track, "I_NCHAN");
        tryToCopy (track, timebase);
        reaper.SetMediaTrackInfo_Value (track, "D_PANLAW", noPanLaw);
        return track;
    }

    /** From the original's track, where this REAPER has the field. */
    void tryToCopy (Track* to, const char* field)
    {
        const auto value = reaper.GetMediaTrackInfo_Value (plan.track, field);
        if (value != reaper.GetMediaTrackInfo_Value (to, field))
            reaper.SetMediaTrackInfo_Value (to, field, value);
    }

    bool hasRoom (Track* track) const
    {
        for (int index = 0; index < reaper.CountTrackMediaItems (track); ++index)
        {
            auto* item = reaper.GetTrackMediaItem (track, index);
            const auto start = reaper.GetMediaItemInfo_Value (item, "D_POSITION");
            const auto end = start + reaper.GetMediaItemInfo_Value (item, "D_LENGTH");
            if (plan.position < end - touching && plan.position + plan.length > start + touching)
                return false;
        }
        return true;
    }

    /** Where the original closed folders, the last stem now does: all stay in the same folder. */
    void closeFolder (Track* last)
    {
        const auto depth = depthOf (plan.track);
        if (depth < 0)
        {
            set (plan.track, "I_FOLDERDEPTH", 0);
            changedDepth = depth;
        }
        set (last, "I_FOLDERDEPTH", std::min (depth, 0.0) - 1);
    }

    Take* addTake (MediaItem* item, const StemToInsert& stem, Source*& source)
    {
        auto* take = reaper.AddTakeToMediaItem (item);
        if (take == nullptr || ! giveSource (take, source))
            throw Failed{ "REAPER made no take of " + stem.path };
        source = nullptr;
        auto name = stem.name;
        reaper.GetSetMediaItemTakeInfo_String (take, "P_NAME", name.data(), true);
        set (take, "D_STARTOFFS", plan.offset);
        set (take, "D_PLAYRATE", plan.rate);
        set (take, "B_PPITCH", plan.keepsPitch);
        set (take, "D_PITCH", plan.pitch);
        set (take, "I_CHANMODE", plan.channelMode);
        for (const auto* field : { "D_VOL", "D_PAN" })
            set (take, field, reaper.GetMediaItemTakeInfo_Value (plan.take, field));
        for (const auto* field : { "D_PANLAW", "I_PITCHMODE" })
            reaper.SetMediaItemTakeInfo_Value (
                take, field, reaper.GetMediaItemTakeInfo_Value (plan.take, field));
        return take;
    }

    /** By the way that the API keeps for C++: SetMediaItemTake_Source is for scripts, and may copy. */
    bool giveSource (Take* take, Source* source)
    {
        auto* before = reaper.GetMediaItemTake_Source (take);
        reaper.GetSetMediaItemTakeInfo (take, "P_SOURCE", source);
        if (reaper.GetMediaItemTake_Source (take) != source)
            return false;
        if (before != nullptr && before != source)
            reaper.PCM_Source_Destroy (before);
        return true;
    }

    /** Last of all: REAPER makes the item's takes anew of its text. */
    void addEnvelopes (MediaItem* item)
    {
        const auto text = itemText (reaper, item);
        if (! text.empty())
            reaper.SetItemStateChunk (item, withEnvelopes (text, plan.envelopes).c_str(), false);
    }

    const Functions& reaper;
    const Plan& plan;
    std::vector<Lane> lanes;
    std::vector<Track*> tracks;
    std::vector<Placed> items;
    std::optional<double> changedDepth;
};

/** Ends what it began, however the work between goes. */
class UndoBlock
{
public:
    UndoBlock (const Functions& functions, Project* projectToUse)
        : reaper (functions), project (projectToUse)
    {
        reaper.Undo_BeginBlock2 (project);
        reaper.PreventUIRefresh (1);
    }

    void end (const std::string& name, int flags)
    {
        reaper.PreventUIRefresh (-1);
        if (reaper.TrackList_AdjustWindows != nullptr)
            reaper.TrackList_AdjustWindows (false);
        reaper.UpdateArrange();
        reaper.Undo_EndBlock2 (project, name.c_str(), flags);
    }

private:
    const Functions& reaper;
    Project* project;
};
} // namespace

std::string place (const Functions& reaper, const Plan& plan, const std::string& name,
                   const std::vector<StemToInsert>& stems, bool muteOriginal)
{
    const auto isInFront = plan.project == nullptr || reaper.EnumProjects == nullptr
                           || reaper.EnumProjects (-1, nullptr, 0) == plan.project;
    if (! isInFront && reaper.InsertTrackInProject == nullptr)
        return "Bring the project's tab to the front first: this REAPER adds tracks only there.";
    if (stems.empty())
        return name + ": there are no stems to insert yet.";
    Placing placing (reaper, plan);
    try
    {
        placing.openSources (stems);
    }
    catch (const Failed& failed)
    {
        return failed.words;
    }
    UndoBlock block (reaper, plan.project);
    try
    {
        placing.makeTracks();
        placing.fillAll (muteOriginal);
    }
    catch (const Failed& failed)
    {
        placing.undo();
        block.end ("StemLasso: nothing inserted", nothing);
        return name + ": " + failed.words + ". Nothing was inserted.";
    }
    block.end ("StemLasso: insert stems of " + name, everything);
    if (reaper.Main_OnCommandEx != nullptr)
        reaper.Main_OnCommandEx (buildMissingPeaks, 0, plan.project);
    return {};
}

} // namespace stemlasso::reaper
