#pragma once

// What passes between an errand's handle, which any thread holds, and the link's thread.

#include "EngineLink.h"

#include <chrono>
#include <mutex>

namespace stemlasso::wire
{

using Clock = std::chrono::steady_clock;

struct Ask
{
    enum class What
    {
        offer,
        separate,
        cancel
    };
    What what = What::offer;
    Prompt prompt;
    JobOptions options;
};

class ErrandState
{
public:
    ErrandState (ClipSource source, std::string clipId, std::string jobId);

    const ClipSource source;

    /** Any thread: `view` says at once that something is waiting. */
    void post (Ask);
    std::shared_ptr<const ErrandView> view() const;
    std::string clipId() const;
    std::string jobId() const;

    /** The link's thread: what was asked for since the last time. */
    std::vector<Ask> takeAsks();
    /** The link's thread: `isWaiting` stays where more was asked for meanwhile. */
    void show (ErrandView, std::string clipId, std::string jobId);

private:
    mutable std::mutex mutex;
    std::vector<Ask> asks;
    std::shared_ptr<const ErrandView> shown = std::make_shared<ErrandView>();
    std::string shownClipId, shownJobId;
};

} // namespace stemlasso::wire
