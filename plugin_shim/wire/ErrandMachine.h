#pragma once

// What has to be asked of the server for one errand, one request after the other, and what its
// answers mean. Knows no socket and no thread; the link's thread owns it.

#include "ErrandState.h"
#include "Message.h"

#include <deque>

namespace stemlasso::wire
{

struct Timing
{
    using Span = std::chrono::milliseconds;
    Span look{ 1000 };        ///< between looks for a server
    Span launchLook{ 100 };   ///< the same while one starts
    Span launch{ 60000 };     ///< until one that was started has to be there
    Span quiet{ 5000 };       ///< without news, after which it is asked whether there are any
    Span silent{ 8000 };      ///< without any answer, after which the server counts as silent
    Span reply{ 10000 };      ///< until a request is given up
    Span slowReply{ 120000 }; ///< the same for one that opens files
    Span again{ 1000 };       ///< before something is asked for once more
};

/** Asked of the server. */
struct Request
{
    std::string op;
    Value body;
    Timing::Span patience{ 0 };
};

class ErrandMachine
{
public:
    ErrandMachine (std::shared_ptr<ErrandState>, const Timing&);

    /** Takes over what the handle was asked for; whether that needs an engine. */
    bool takeAsks();
    /** Whether there is something to ask of a server, once there is one. */
    bool wantsServer() const;
    /** The next request, where one is due and none is under way; it is then under way. */
    std::optional<Request> next (Clock::time_point now);
    /** When `next` may have one that it has not now; none: not by itself. */
    std::optional<Clock::time_point> nextDue() const;

    void answered (const Reply&, Clock::time_point now);
    /** No reply came: whether it was done is not known. */
    void unanswered (Clock::time_point now);
    void happened (const Event&);
    /** Events may have been missed, or the server is another one: ask for everything anew. */
    void refresh();

    /** Shows what changed to the handle. */
    void show();

private:
    struct Submission
    {
        Prompt prompt;
        JobOptions options;
        std::string id;
        bool wasSent = false, isCancelled = false;
    };

    void take (Ask);
    void cancelNewest();
    std::optional<Request> nextBody() const;
    void answeredClip (const Reply&);
    void answeredSearch (const Reply&, Clock::time_point now);
    void answeredSubmit (const Reply&);
    void answeredJob (const Reply&);
    void adopt (const Clip&);
    void adopt (std::optional<Job>);
    void loseClip();
    void loseJob();
    void giveUp (const Problem&);
    bool isLive() const;

    std::shared_ptr<ErrandState> state;
    const Timing timing;

    std::string clipId, jobId;
    std::optional<Clip> clip;
    std::optional<Job> job;
    std::optional<Problem> problem;
    std::optional<Submission> newest; ///< of the newest job: submitted again where it was lost
    std::deque<Submission> toSubmit;
    std::deque<std::string> toCancel;           ///< jobs
    bool isOffered = false;                     ///< for its own sake, and not known yet
    bool isClipSure = false, isJobSure = false; ///< since the link was opened, or news were missed
    bool mayBeThere = false; ///< a put was not answered: look for the clip before another one
    Clock::time_point searchUntil{};
    std::int64_t searched = 0; ///< clips that were looked through
    int lostClips = 0;         ///< since something was asked for
    std::string underWay;      ///< the operation; empty: none
    Clock::time_point notBefore{}, heard{};
    bool hasChanged = false;
};

} // namespace stemlasso::wire
