#pragma once

// Stems onto new tracks under the original: one undo step, and the original stays as it is.
//
//     Drums                    the original (muted only when asked for)
//     Drums stems       \      a folder, with the original track's volume and pan
//       snare            |     target; other takes of it are takes of its item
//       snare (residual) /

#include "Functions.h"
#include "ReaperApi.h"

#include <string>
#include <vector>

namespace stemlasso::reaper
{

/** Where stems go, as the item lies now. */
struct Plan
{
    Project* project = nullptr;
    MediaItem* item = nullptr;
    Take* take = nullptr;
    Track* track = nullptr;
    double position = 0, length = 0, offset = 0, rate = 1, keepsPitch = 1, pitch = 0,
           channelMode = 0;
    std::string envelopes;
    std::string origin;     ///< GUID of the original's track, by which its folder is found again
    std::string folderName; ///< of the folder track
};

/** Finds the item again, even if it was moved. Returns words when it is gone. */
std::string makePlan (const Functions&, Project*, const Item&, Plan& plan);

/** Places stems whose files lie where they are to stay. Returns words when it could not be done, and
    then the project is as it was. */
std::string place (const Functions&, const Plan&, const std::string& name,
                   const std::vector<StemToInsert>&, bool muteOriginal);

} // namespace stemlasso::reaper
