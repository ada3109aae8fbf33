// REAPER's functions that change a project, and all others, over the model of FakeReaper.

#include "FakeFunctions.h"

#include <algorithm>
#include <sstream>

namespace stemlasso::reaper
{

namespace
{
double GetMediaTrackInfo_Value (Track* track, const char* name)
{
    return get (track, name, __func__);
}
bool SetMediaItemInfo_Value (MediaItem* item, const char* name, double value)
{
    return set (item, of (item), name, value, __func__);
}
bool SetMediaItemTakeInfo_Value (Take* take, const char* name, double value)
{
    return set (take, of (take->item), name, value, __func__);
}
bool SetMediaTrackInfo_Value (Track* track, const char* name, double value)
{
    return set (track, track->project, name, value, __func__);
}

int CountTracks (Project* project)
{
    fake->begin (__func__);
    return int (of (project)->tracks.size());
}
Track* GetTrack (Project* project, int index)
{
    fake->begin (__func__);
    const auto& tracks = of (project)->tracks;
    return index >= 0 && index < int (tracks.size()) ? tracks[std::size_t (index)] : nullptr;
}
int CountTrackMediaItems (Track* track)
{
    fake->begin (__func__);
    return int (checked (track, __func__)->items.size());
}
MediaItem* GetTrackMediaItem (Track* track, int index)
{
    fake->begin (__func__);
    return checked (track, __func__)->items.at (std::size_t (index));
}

void insertTrack (Project* project, int index, const char* function)
{
    const bool isWell = fake->begin (function);
    fake->changing (project, function);
    if (index < 0 || index > int (project->tracks.size()))
        fake->note (std::string (function) + ": no such place for a track");
    if (! isWell)
        return;
    auto* const before = fake->front;
    fake->front = project;
    auto* track = fake->addTrack ("");
    fake->front = before;
    project->tracks.pop_back();
    project->tracks.insert (project->tracks.begin() + index, track);
}
void InsertTrackAtIndex (int index, bool wantsDefaults)
{
    if (wantsDefaults)
        fake->note ("InsertTrackAtIndex: the user's default effects would be on the stems");
    insertTrack (fake->front, index, __func__);
}
void InsertTrackInProject (Project* project, int index, int flags)
{
    if (flags != 0)
        fake->note ("InsertTrackInProject: the user's default effects would be on the stems");
    insertTrack (of (project), index, __func__);
}
void DeleteTrack (Track* track)
{
    fake->begin (__func__);
    fake->changing (checked (track, __func__)->project, __func__);
    std::erase (track->project->tracks, track);
    track->isDead = true;
    for (auto* item : track->items)
    {
        item->isDead = true;
        for (auto* take : item->takes)
            take->isDead = true;
    }
}
bool DeleteTrackMediaItem (Track* track, MediaItem* item)
{
    fake->begin (__func__);
    fake->changing (checked (track, __func__)->project, __func__);
    checked (item, __func__)->isDead = true;
    return std::erase (track->items, item) == 1;
}
Track* GetParentTrack (Track* wanted)
{
    fake->begin (__func__);
    std::vector<Track*> open;
    for (auto* track : checked (wanted, __func__)->project->tracks)
    {
        if (track == wanted)
            return open.empty() ? nullptr : open.back();
        const auto depth = int (track->values.at ("I_FOLDERDEPTH"));
        if (depth == 1)
            open.push_back (track);
        for (int closed = depth; closed < 0 && ! open.empty(); ++closed)
            open.pop_back();
    }
    return nullptr;
}
MediaItem* AddMediaItemToTrack (Track* track)
{
    BEGIN;
    fake->changing (checked (track, __func__)->project, __func__);
    return isWell ? fake->addItem (track) : nullptr;
}
Take* AddTakeToMediaItem (MediaItem* item)
{
    BEGIN;
    fake->changing (of (checked (item, __func__)), __func__);
    auto* source = fake->givesTakesASource ? fake->makeSource ("EMPTY", "") : nullptr;
    return isWell ? fake->addTake (item, source) : nullptr;
}
Source* PCM_Source_CreateFromFile (const char* file)
{
    BEGIN;
    auto* source = isWell ? fake->openWave (file) : nullptr;
    if (source != nullptr)
        fake->unowned.insert (source);
    return source;
}
void PCM_Source_Destroy (Source* source)
{
    fake->begin (__func__);
    if (fake->unowned.erase (source) != 1)
        fake->note ("PCM_Source_Destroy: a source that a take has, or that is gone already");
}
void* GetSetMediaItemTakeInfo (Take* take, const char* name, void* value)
{
    BEGIN;
    fake->changing (of (checked (take, __func__)->item), __func__);
    if (std::strcmp (name, "P_SOURCE") != 0 || value == nullptr)
        fake->note (std::string (__func__) + ": " + name);
    if (! isWell)
        return nullptr;
    auto* source = static_cast<Source*> (value);
    if (fake->unowned.erase (source) != 1)
        fake->note ("P_SOURCE: a source that another take has");
    if (take->source != nullptr)
        fake->unowned.insert (take->source); // REAPER does not destroy it
    take->source = source;
    return source;
}
void SetActiveTake (Take* take)
{
    fake->begin (__func__);
    fake->changing (of (checked (take, __func__)->item), __func__);
    take->item->active = take;
}

void Undo_BeginBlock2 (Project* project)
{
    fake->begin (__func__);
    if (of (project)->isInBlock)
        fake->note ("Undo_BeginBlock2: an undo block in an undo block");
    of (project)->isInBlock = true;
    of (project)->before = fake->describe (*of (project));
}
void Undo_EndBlock2 (Project* project, const char* name, int flags)
{
    fake->begin (__func__);
    if (! of (project)->isInBlock)
        fake->note ("Undo_EndBlock2: no undo block is open");
    of (project)->isInBlock = false;
    const bool isChanged = fake->describe (*of (project)) != of (project)->before;
    if (isChanged)
        of (project)->undo.push_back (name);
    if (isChanged != (flags == -1))
        fake->note ("Undo_EndBlock2: flags that do not go with what was changed");
}
void PreventUIRefresh (int step)
{
    fake->begin (__func__);
    fake->refresh += step;
}
void UpdateArrange() { fake->begin (__func__); }
void TrackList_AdjustWindows (bool) { fake->begin (__func__); }

Project* EnumProjects (int index, char* buffer, int size)
{
    fake->begin (__func__);
    Project* found = nullptr;
    std::vector<Project*> open;
    for (const auto& project : fake->projects)
        if (fake->isOpen (project.get()))
            open.push_back (project.get());
    if (index == -1)
        found = fake->front;
    else if (index < int (open.size()))
        found = open[std::size_t (index)];
    if (found != nullptr && buffer != nullptr)
        copyText (found->file, buffer, size);
    return found;
}
void GetProjectPathEx (Project* project, char* buffer, int size)
{
    fake->begin (__func__);
    copyText (of (project)->mediaFolder, buffer, size);
}
void GetSet_LoopTimeRange2 (Project*, bool isSet, bool isLoop, double* start, double* end, bool)
{
    fake->begin (__func__);
    if (isSet || isLoop)
        fake->note ("GetSet_LoopTimeRange2: the time selection is the user's");
    *start = fake->selectionStart;
    *end = fake->selectionEnd;
}
int CountTakes (MediaItem* item)
{
    fake->begin (__func__);
    return int (checked (item, __func__)->takes.size());
}
Take* GetTake (MediaItem* item, int index)
{
    fake->begin (__func__);
    return checked (item, __func__)->takes.at (std::size_t (index));
}
bool ValidatePtr2 (Project* project, void* pointer, const char* type)
{
    fake->begin (__func__);
    const std::string wanted (type);
    if (wanted == "ReaProject*") // the project is ignored
        return std::any_of (fake->projects.begin(), fake->projects.end(), [&] (const auto& each)
                            { return each.get() == pointer && fake->isOpen (each.get()); });
    if (wanted != "MediaItem*" && wanted != "MediaItem_Take*")
        fake->note ("ValidatePtr2: not of a kind that is asked for here: " + wanted);
    for (auto* item : itemsOf (project))
        if (wanted == "MediaItem*"
                ? item == pointer
                : std::find (item->takes.begin(), item->takes.end(), pointer) != item->takes.end())
            return true;
    return false;
}
bool AudioAccessorStateChanged (Accessor* accessor)
{
    fake->begin (__func__);
    return accessor->take->isDead || accessor->take->values != accessor->values;
}
double TimeMap_timeToQN_abs (Project* project, double time)
{
    fake->begin (__func__);
    of (project);
    double quarters = 0;
    for (auto each = fake->tempos.begin(); each != fake->tempos.end(); ++each)
    {
        const auto next = std::next (each);
        const auto until = next == fake->tempos.end() ? time : std::min (time, next->first);
        quarters += std::max (until - each->first, 0.0) * each->second / 60;
    }
    return quarters;
}
int TakeFX_GetCount (Take* take)
{
    fake->begin (__func__);
    return checked (take, __func__)->effects;
}
int ColorToNative (int red, int green, int blue)
{
    fake->begin (__func__);
    return red | green << 8 | blue << 16;
}
int SetProjExtState (Project* project, const char* section, const char* key, const char* value)
{
    fake->begin (__func__);
    of (project)->kept[std::string (section) + "/" + key] = value;
    return 1;
}
void Main_OnCommandEx (int command, int, Project*)
{
    fake->begin (__func__);
    fake->commands.push_back (command);
}

bool GetItemStateChunk (MediaItem* item, char* buffer, int size, bool)
{
    fake->begin (__func__);
    std::string text = "<ITEM\nPOSITION "
                       + std::to_string (checked (item, __func__)->values["D_POSITION"])
                       + "\nIGUID " + item->guid + "\n";
    for (std::size_t index = 0; index < item->takes.size(); ++index)
    {
        const auto& take = *item->takes[index];
        if (index > 0)
            text += "TAKE" + std::string (&take == item->active ? " SEL" : "") + "\n";
        text += "NAME \"" + take.name + "\"\nGUID " + take.guid + "\n<SOURCE " + take.source->kind
                + "\n  FILE \"" + take.source->file + "\"\n>\n" + take.envelopes;
    }
    text += ">\n";
    copyText (text, buffer, size);
    return int (text.size()) < size;
}

bool SetItemStateChunk (MediaItem* item, const char* text, bool)
{
    BEGIN;
    fake->changing (of (checked (item, __func__)), __func__);
    if (! isWell)
        return false;
    std::vector<std::string> envelopes (1);
    std::istringstream lines (text);
    int depth = 0;
    bool isEnvelope = false;
    for (std::string line; std::getline (lines, line);)
    {
        if (depth == 1 && (line == "TAKE" || line == "TAKE SEL"))
            envelopes.emplace_back();
        if (line.starts_with ("<"))
            isEnvelope = ++depth == 2 && line.ends_with ("ENV");
        if (isEnvelope)
            envelopes.back() += line + "\n";
        if (line == ">")
            isEnvelope = --depth >= 2 && isEnvelope;
    }
    if (depth != 0 || envelopes.size() != item->takes.size())
        fake->note ("SetItemStateChunk: a text that is no item of so many takes");
    for (std::size_t index = 0; index < item->takes.size(); ++index)
    {
        // REAPER makes the takes anew: what pointed to the old ones points to nothing
        auto& old = *item->takes[index];
        fake->allTakes.push_back (std::make_unique<Take> (old));
        fake->allTakes.back()->envelopes = envelopes[std::min (index, envelopes.size() - 1)];
        item->active = item->active == &old ? fake->allTakes.back().get() : item->active;
        item->takes[index] = fake->allTakes.back().get();
        old.isDead = true;
    }
    return true;
}

int plugin_register (const char* what, void* info)
{
    fake->begin (__func__);
    const auto call = reinterpret_cast<void (*)()> (info);
    if (std::strcmp (what, "timer") == 0)
        fake->timers.push_back (call);
    else if (std::strcmp (what, "-timer") != 0 || std::erase (fake->timers, call) != 1)
        fake->note (std::string ("plugin_register: ") + what);
    return 1;
}
} // namespace

void* writingFunction (const std::string& wanted)
{
    STEMLASSO_REAPER_WRITES (STEMLASSO_OFFER)
    STEMLASSO_REAPER_EXTRAS (STEMLASSO_OFFER)
    STEMLASSO_OFFER (int, plugin_register, (const char*, void*))
    return nullptr;
}

} // namespace stemlasso::reaper
