#include "ErrandState.h"

#include <utility>

namespace stemlasso::wire
{

ErrandState::ErrandState (ClipSource given, std::string clipId, std::string jobId)
    : source (std::move (given)), shownClipId (std::move (clipId)), shownJobId (std::move (jobId))
{
}

void ErrandState::post (Ask ask)
{
    const std::lock_guard lock (mutex);
    auto next = std::make_shared<ErrandView> (*shown);
    next->isWaiting = true;
    ++next->revision;
    asks.push_back (std::move (ask));
    shown = std::move (next);
}

std::shared_ptr<const ErrandView> ErrandState::view() const
{
    const std::lock_guard lock (mutex);
    return shown;
}

std::string ErrandState::clipId() const
{
    const std::lock_guard lock (mutex);
    return shownClipId;
}

std::string ErrandState::jobId() const
{
    const std::lock_guard lock (mutex);
    return shownJobId;
}

std::vector<Ask> ErrandState::takeAsks()
{
    const std::lock_guard lock (mutex);
    return std::exchange (asks, {});
}

void ErrandState::show (ErrandView view, std::string clipId, std::string jobId)
{
    const std::lock_guard lock (mutex);
    view.revision = shown->revision + 1;
    view.isWaiting = view.isWaiting || ! asks.empty();
    shown = std::make_shared<const ErrandView> (std::move (view));
    shownClipId = std::move (clipId);
    shownJobId = std::move (jobId);
}

} // namespace stemlasso::wire
