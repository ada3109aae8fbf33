#pragma once

// One item of the project as it lies there, and what file is to be made of it (see Making.h).
//
// A stretch of a WAV file is cut out bit for bit and keeps the file's own time base: the stems get
// the item's play rate and pitch, and fit below it whatever these are. Anything else that REAPER
// plays (reversed, looped, stretched, compressed) is rendered by REAPER as the item sounds, before
// volume, fades and effects, at the rate of its file; its stems play at rate 1. The Lua actions in
// daw/reaper/lib do the same.
//
//     file     |------------------------------------|
//     cut          |=================|                first = floor (offset * sampleRate)
//     item          |---------------|                 offset in the cut: less than one sample

#include "Functions.h"
#include "ReaperApi.h"

#include <string>

namespace stemlasso::reaper
{

/** What REAPER says of an item. */
struct Found
{
    MediaItem* item = nullptr;
    Take* take = nullptr;
    Item asItem;                      ///< file: the source's own
    std::string renderedBecause;      ///< not empty: why its file cannot be used as it is
    int sampleRate = 0, channels = 0; ///< of the source
    double pitch = 0;
};

/** Describes an item. Returns words when it cannot be separated. */
std::string describe (const Functions&, MediaItem*, Found& found);

/** Seconds after the item's start, as seconds in its file of so many seconds. */
double timeInFile (const Item&, double itemSeconds, double fileSeconds);

} // namespace stemlasso::reaper
