#pragma once

// The functions of REAPER that are used here, as its API documents them. Plain C functions; those
// that a REAPER does not have are null.

#include <functional>
#include <string>

namespace stemlasso::reaper
{

struct Project; ///< REAPER's own things, of which only addresses are known here
struct Track;
struct MediaItem;
struct Take;
struct Source;
struct Accessor;

// Needed to read items. (result, name, arguments)
#define STEMLASSO_REAPER_READS(FUNCTION)                                                           \
    FUNCTION (int, CountMediaItems, (Project*))                                                    \
    FUNCTION (MediaItem*, GetMediaItem, (Project*, int))                                           \
    FUNCTION (bool, IsMediaItemSelected, (MediaItem*))                                             \
    FUNCTION (Take*, GetActiveTake, (MediaItem*))                                                  \
    FUNCTION (bool, TakeIsMIDI, (Take*))                                                           \
    FUNCTION (Source*, GetMediaItemTake_Source, (Take*))                                           \
    FUNCTION (Source*, GetMediaSourceParent, (Source*))                                            \
    FUNCTION (void, GetMediaSourceType, (Source*, char*, int))                                     \
    FUNCTION (void, GetMediaSourceFileName, (Source*, char*, int))                                 \
    FUNCTION (double, GetMediaSourceLength, (Source*, bool*))                                      \
    FUNCTION (int, GetMediaSourceSampleRate, (Source*))                                            \
    FUNCTION (int, GetMediaSourceNumChannels, (Source*))                                           \
    FUNCTION (int, GetTakeNumStretchMarkers, (Take*))                                              \
    FUNCTION (Track*, GetMediaItem_Track, (MediaItem*))                                            \
    FUNCTION (double, GetMediaItemInfo_Value, (MediaItem*, const char*))                           \
    FUNCTION (double, GetMediaItemTakeInfo_Value, (Take*, const char*))                            \
    FUNCTION (bool, GetSetMediaItemInfo_String, (MediaItem*, const char*, char*, bool))            \
    FUNCTION (bool, GetSetMediaItemTakeInfo_String, (Take*, const char*, char*, bool))             \
    FUNCTION (bool, GetSetMediaTrackInfo_String, (Track*, const char*, char*, bool))

// Needed to render what is no plain stretch of a WAV file.
#define STEMLASSO_REAPER_RENDERS(FUNCTION)                                                         \
    FUNCTION (Accessor*, CreateTakeAudioAccessor, (Take*))                                         \
    FUNCTION (int, GetAudioAccessorSamples, (Accessor*, int, int, double, int, double*))           \
    FUNCTION (void, DestroyAudioAccessor, (Accessor*))

// Needed to insert stems, beside those that read.
#define STEMLASSO_REAPER_WRITES(FUNCTION)                                                          \
    FUNCTION (int, CountTracks, (Project*))                                                        \
    FUNCTION (Track*, GetTrack, (Project*, int))                                                   \
    FUNCTION (int, CountTrackMediaItems, (Track*))                                                 \
    FUNCTION (MediaItem*, GetTrackMediaItem, (Track*, int))                                        \
    FUNCTION (void, InsertTrackAtIndex, (int, bool))                                               \
    FUNCTION (void, DeleteTrack, (Track*))                                                         \
    FUNCTION (bool, DeleteTrackMediaItem, (Track*, MediaItem*))                                    \
    FUNCTION (Track*, GetParentTrack, (Track*))                                                    \
    FUNCTION (MediaItem*, AddMediaItemToTrack, (Track*))                                           \
    FUNCTION (Take*, AddTakeToMediaItem, (MediaItem*))                                             \
    FUNCTION (Source*, PCM_Source_CreateFromFile, (const char*))                                   \
    FUNCTION (void, PCM_Source_Destroy, (Source*))                                                 \
    FUNCTION (void*, GetSetMediaItemTakeInfo, (Take*, const char*, void*))                         \
    FUNCTION (void, SetActiveTake, (Take*))                                                        \
    FUNCTION (bool, SetMediaItemInfo_Value, (MediaItem*, const char*, double))                     \
    FUNCTION (bool, SetMediaItemTakeInfo_Value, (Take*, const char*, double))                      \
    FUNCTION (bool, SetMediaTrackInfo_Value, (Track*, const char*, double))                        \
    FUNCTION (double, GetMediaTrackInfo_Value, (Track*, const char*))                              \
    FUNCTION (void, Undo_BeginBlock2, (Project*))                                                  \
    FUNCTION (void, Undo_EndBlock2, (Project*, const char*, int))                                  \
    FUNCTION (void, PreventUIRefresh, (int))                                                       \
    FUNCTION (void, UpdateArrange, ())

// Done without where they are missing.
#define STEMLASSO_REAPER_EXTRAS(FUNCTION)                                                          \
    FUNCTION (Project*, EnumProjects, (int, char*, int))                                           \
    FUNCTION (void, GetProjectPathEx, (Project*, char*, int))                                      \
    FUNCTION (void, GetSet_LoopTimeRange2, (Project*, bool, bool, double*, double*, bool))         \
    FUNCTION (void, InsertTrackInProject, (Project*, int, int))                                    \
    FUNCTION (int, CountTakes, (MediaItem*))                                                       \
    FUNCTION (Take*, GetTake, (MediaItem*, int))                                                   \
    FUNCTION (bool, ValidatePtr2, (Project*, void*, const char*))                                  \
    FUNCTION (bool, AudioAccessorStateChanged, (Accessor*))                                        \
    FUNCTION (double, TimeMap_timeToQN_abs, (Project*, double))                                    \
    FUNCTION (int, TakeFX_GetCount, (Take*))                                                       \
    FUNCTION (bool, GetItemStateChunk, (MediaItem*, char*, int, bool))                             \
    FUNCTION (bool, SetItemStateChunk, (MediaItem*, const char*, bool))                            \
    FUNCTION (int, ColorToNative, (int, int, int))                                                 \
    FUNCTION (int, SetProjExtState, (Project*, const char*, const char*, const char*))             \
    FUNCTION (void, TrackList_AdjustWindows, (bool))                                               \
    FUNCTION (void, Main_OnCommandEx, (int, int, Project*))

struct Functions
{
#define STEMLASSO_DECLARE(Result, name, Arguments) Result (*name) Arguments = nullptr;
    STEMLASSO_REAPER_READS (STEMLASSO_DECLARE)
    STEMLASSO_REAPER_RENDERS (STEMLASSO_DECLARE)
    STEMLASSO_REAPER_WRITES (STEMLASSO_DECLARE)
    STEMLASSO_REAPER_EXTRAS (STEMLASSO_DECLARE)
#undef STEMLASSO_DECLARE

    explicit Functions (const std::function<void*(const char*)>& lookup);

    std::string missingToRead() const; ///< the name of one that is needed; empty when all are there
    std::string missingToRender() const;
    std::string missingToInsert() const;
};

/** A text field of an item, take or track; empty where it has none. */
std::string textOf (const Functions&, MediaItem*, const char* field);
std::string textOf (const Functions&, Take*, const char* field);
std::string textOf (const Functions&, Track*, const char* field);

/** The text in which REAPER keeps an item; empty where it does not give it whole, or takes none. */
std::string itemText (const Functions&, MediaItem*);

/** Whether a project, an item or one of its takes is still what it was: REAPER uses addresses again.
    Null stands for the project in front. */
bool isOpen (const Functions&, Project*);
bool isThere (const Functions&, Project*, MediaItem*, const std::string& guid);
bool isThere (const Functions&, Project*, MediaItem*, Take*, const std::string& guid);

/** The project in front, where this REAPER tells. */
Project* frontProject (const Functions&);

/** The project's file; empty where it has none. project: null for the one in front. */
std::string projectFile (const Functions&, Project* project);

} // namespace stemlasso::reaper
