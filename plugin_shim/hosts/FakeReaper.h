#pragma once

// A stand-in for REAPER's API: projects, tracks, items, takes, sources, undo blocks. Stricter than the
// real one: an unknown function or field, a call on another thread than the first one's, a dead
// pointer, a change outside an undo block and a block that is not closed are noted as problems.
// There is one at a time, because REAPER's functions have no place for a "this".

#include "reaper/Functions.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace stemlasso::reaper
{

using Values = std::map<std::string, double>;

struct Source
{
    std::string kind, file;
    double length = 0;
    int rate = 0, channels = 0;
    Source* parent = nullptr;
    bool isReversed = false, isOwned = false;
};

struct Take
{
    MediaItem* item = nullptr;
    Source* source = nullptr;
    std::string guid, name, envelopes; ///< envelopes: as REAPER writes them
    Values values;
    int markers = 0, effects = 0;
    bool isOffline = false, isDead = false;
};

struct MediaItem
{
    Track* track = nullptr;
    std::string guid;
    Values values;
    std::vector<Take*> takes;
    Take* active = nullptr;
    bool isSelected = false, isDead = false;
};

struct Track
{
    Project* project = nullptr;
    std::string name, guid;
    std::map<std::string, std::string> marks;
    Values values;
    std::vector<MediaItem*> items;
    bool isDead = false;
};

struct Project
{
    std::string file, mediaFolder;
    std::vector<Track*> tracks;
    std::vector<std::string> undo;
    std::map<std::string, std::string> kept; ///< with the project: section/key -> value
    std::string before;                      ///< what it was when the undo block was opened
    bool isInBlock = false;
};

struct Accessor
{
    Take* take = nullptr;
    Values values; ///< of the take when it was made
};

class FakeReaper
{
public:
    FakeReaper();
    ~FakeReaper();

    /** The function of this name; null for those in `missing`. */
    void* function (const std::string& name);
    /** Runs what was registered with REAPER's timer. */
    void tick();

    Track* addTrack (const std::string& name, Values values = {});
    MediaItem* addItem (Track*, Values values = {});
    Take* addTake (MediaItem*, Source*, Values values = {});
    Source* makeSource (const std::string& kind, const std::string& file, double length = 0);
    Source* openWave (const std::string& file); ///< null when it is no WAV file
    Source* reverse (Source*);

    bool isCalled (const std::string& function) const { return calls.contains (function); }
    int callsOf (const std::string& function) const
    {
        return isCalled (function) ? calls.at (function) : 0;
    }
    /** As the user does these: what pointed there points to nothing. */
    void deleteItem (MediaItem*);
    void closeProject (Project*);

    /** Everything of a project that undo covers. */
    std::string describe (const Project&) const;
    /** What there is to say against its caller, with all that is still open. */
    std::vector<std::string> problems() const;
    /** The whole model as JSON. */
    std::string json() const;

    std::vector<std::unique_ptr<Project>> projects;
    Project* front = nullptr;                     ///< the tab that is in front
    std::set<std::string> missing, missingFields; ///< functions and fields that it does not have
    bool givesTakesASource = true;      ///< an empty one, which is the caller's once it is replaced
    std::map<std::string, int> failing; ///< functions whose Nth call fails, from 1
    double selectionStart = 0, selectionEnd = 0;
    std::map<double, double> tempos{ { 0, 120 } }; ///< beats a minute from a second on
    int slices = 0;                                ///< blocks of audio that were asked for
    int mostSlices = 0;                            ///< of these, in one turn of the timer
    int sliceMilliseconds = 0;                     ///< that each of them takes

    // for the functions themselves
    void note (const std::string& problem);
    bool begin (const char* function); ///< whether this call may succeed
    void changing (Project*, const char* function);
    std::string newGuid();
    bool isOpen (const Project*) const;

    std::vector<std::unique_ptr<Track>> allTracks; ///< those too that were deleted
    std::vector<std::unique_ptr<MediaItem>> allItems;
    std::vector<std::unique_ptr<Take>> allTakes;
    std::vector<std::unique_ptr<Source>> allSources;
    std::vector<Project*> closed;
    std::set<Source*> unowned; ///< made by the caller, and neither given to a take nor destroyed
    std::vector<void (*)()> timers;
    std::vector<int> commands;
    int accessors = 0, refresh = 0;

private:
    std::thread::id mainThread;
    std::vector<std::string> noted;
    std::map<std::string, int> calls;
    int guids = 0;
};

} // namespace stemlasso::reaper
