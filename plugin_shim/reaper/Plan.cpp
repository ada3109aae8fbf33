#include "Envelopes.h"
#include "Placing.h"

namespace stemlasso::reaper
{

namespace
{
MediaItem* findItem (const Functions& reaper, Project* project, const std::string& guid)
{
    const auto count = reaper.CountMediaItems (project);
    for (int index = 0; index < count; ++index)
    {
        auto* item = reaper.GetMediaItem (project, index);
        if (item != nullptr && ! guid.empty() && textOf (reaper, item, "GUID") == guid)
            return item;
    }
    return nullptr;
}

Take* findTake (const Functions& reaper, MediaItem* item, const std::string& guid)
{
    const auto count =
        reaper.CountTakes != nullptr && reaper.GetTake != nullptr ? reaper.CountTakes (item) : 0;
    for (int index = 0; index < count; ++index)
    {
        auto* take = reaper.GetTake (item, index);
        if (take != nullptr && textOf (reaper, take, "GUID") == guid)
            return take;
    }
    auto* active = reaper.GetActiveTake (item);
    return active != nullptr && textOf (reaper, active, "GUID") == guid ? active : nullptr;
}

std::string envelopesFor (const Functions& reaper, const Plan& plan, const Item& item,
                          double trimmed)
{
    const EnvelopeTimes times{ trimmed, item.isRendered ? 1 / item.takeRate : 1.0 };
    return envelopesOf (itemText (reaper, plan.item), item.takeGuid, ! item.isRendered, times);
}
} // namespace

std::string makePlan (const Functions& reaper, Project* project, const Item& item, Plan& plan)
{
    plan = {};
    plan.project = project;
    plan.item = findItem (reaper, project, item.guid);
    if (plan.item == nullptr)
        return item.name
               + ": its item is no longer in this project. Undo until it is back, or drag "
               + "the stems onto the timeline.";
    plan.take = findTake (reaper, plan.item, item.takeGuid);
    if (plan.take == nullptr)
        return item.name + ": the take that was separated is no longer in its item.";
    const auto ofTake = [&] (const char* field)
    { return reaper.GetMediaItemTakeInfo_Value (plan.take, field); };
    const auto rate = ofTake ("D_PLAYRATE") > 0 ? ofTake ("D_PLAYRATE") : 1.0;
    // the item may have been trimmed since: the stems lie where the audio lies that they were made of
    const auto trimmed = ofTake ("D_STARTOFFS") - item.takeOffset;
    plan.position = reaper.GetMediaItemInfo_Value (plan.item, "D_POSITION") - trimmed / rate;
    plan.offset = item.offsetSeconds;
    if (item.isRendered)
    {
        plan.length = item.lengthSeconds;
    }
    else
    {
        plan.length = item.lengthSeconds * item.takeRate / rate;
        plan.rate = rate;
        plan.keepsPitch = ofTake ("B_PPITCH");
        plan.pitch = ofTake ("D_PITCH");
        plan.channelMode = ofTake ("I_CHANMODE");
    }
    if (plan.position
        < 0) // it was moved so far to the left that its stems begin before the project
    {
        plan.offset -= plan.position * plan.rate;
        plan.length += plan.position;
        plan.position = 0;
    }
    plan.envelopes = envelopesFor (reaper, plan, item, trimmed);
    plan.track = reaper.GetMediaItem_Track (plan.item);
    plan.origin = textOf (reaper, plan.track, "GUID");
    const auto trackName = textOf (reaper, plan.track, "P_NAME");
    plan.folderName = (trackName.empty() ? item.name : trackName) + " stems";
    return plan.length > 0 ? "" : item.name + ": nothing of it is left on the timeline.";
}

} // namespace stemlasso::reaper
