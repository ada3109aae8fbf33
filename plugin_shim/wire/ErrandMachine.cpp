#include "ErrandMachine.h"

#include "Folders.h"
#include "StemPaths.h"

#include <algorithm>
#include <random>

namespace stemlasso::wire
{

namespace
{
constexpr std::int64_t pageSize = 200;
constexpr std::int64_t mostSearched = 2000;
/** A store that loses a clip as soon as it has it is not asked for ever. */
constexpr int mostLostClips = 3;

std::string randomId()
{
    std::random_device random;
    std::string id;
    for (int part = 0; part < 4; ++part)
        for (auto bits = random(), digit = 0u; digit < 8; ++digit, bits >>= 4)
            id.push_back ("0123456789abcdef"[bits & 15]);
    return id;
}

/** Codes that say: not now. */
bool isPassing (const std::string& code)
{
    static const std::string_view codes[] = { "server_busy",      "too_many_requests",
                                              "too_many_clients", "shutting_down",
                                              "request_expired",  "store_in_use" };
    return std::find (std::begin (codes), std::end (codes), code) != std::end (codes);
}

bool isSameFile (const std::string& left, const std::string& right)
{
    return pathOf (left).lexically_normal() == pathOf (right).lexically_normal();
}

/** An engine before wire 1.2 keeps no tempo. */
bool isSamePlace (const Origin& there, Origin ours)
{
    if (! there.tempoBpm)
        ours.tempoBpm.reset();
    return there == ours;
}
} // namespace

ErrandMachine::ErrandMachine (std::shared_ptr<ErrandState> given, const Timing& times)
    : state (std::move (given)), timing (times), clipId (state->clipId()), jobId (state->jobId())
{
}

bool ErrandMachine::takeAsks()
{
    auto asks = state->takeAsks();
    bool needsEngine = false;
    for (auto& ask : asks)
    {
        needsEngine = needsEngine || ask.what != Ask::What::cancel;
        take (std::move (ask));
    }
    return needsEngine;
}

void ErrandMachine::take (Ask ask)
{
    hasChanged = true;
    if (ask.what == Ask::What::cancel)
        return cancelNewest();
    problem.reset();
    lostClips = 0;
    if (ask.what == Ask::What::offer)
    {
        isOffered = isOffered || ! clip;
        return;
    }
    // What was not sent yet is what the user changed their mind about.
    std::erase_if (toSubmit, [] (const Submission& each) { return ! each.wasSent; });
    toSubmit.push_back ({ std::move (ask.prompt), std::move (ask.options), randomId() });
}

void ErrandMachine::cancelNewest()
{
    if (toSubmit.empty())
    {
        if (! jobId.empty() && ! (job && job->isFinal()))
            toCancel.push_back (jobId);
        return;
    }
    if (toSubmit.back().wasSent)
        toSubmit.back().isCancelled = true;
    else
    {
        toSubmit.pop_back();
        job = Job{ {}, clipId, JobState::cancelled, {}, {}, {} };
        jobId.clear();
    }
}

bool ErrandMachine::isLive() const { return ! jobId.empty() && job && ! job->isFinal(); }

bool ErrandMachine::wantsServer() const { return ! underWay.empty() || nextBody().has_value(); }

std::optional<Request> ErrandMachine::nextBody() const
{
    const bool needsClip = isOffered || ! toSubmit.empty();
    if (! clipId.empty() && ! isClipSure)
        return Request{ "clip.get", bodies::clip (clipId), timing.reply };
    if (! jobId.empty() && ! isJobSure)
        return Request{ "job.get", bodies::job (jobId), timing.reply };
    if (! toCancel.empty())
        return Request{ "job.cancel", bodies::job (toCancel.front()), timing.reply };
    if (needsClip && clipId.empty())
        return mayBeThere
                   ? Request{ "clip.list", bodies::page (searched, pageSize), timing.reply }
                   : Request{ "clip.put", bodies::clipPut (state->source), timing.slowReply };
    if (! toSubmit.empty())
    {
        const auto& first = toSubmit.front();
        return Request{ "job.submit",
                        bodies::submit (clipId, first.prompt, first.options, first.id),
                        timing.reply };
    }
    return std::nullopt;
}

std::optional<Request> ErrandMachine::next (Clock::time_point now)
{
    if (! underWay.empty() || now < notBefore)
        return std::nullopt;
    if (isLive() && now - heard >= timing.quiet)
        isJobSure = false; // in case an event was lost
    auto request = nextBody();
    if (! request)
        return std::nullopt;
    underWay = request->op;
    if (underWay == "job.submit")
        toSubmit.front().wasSent = true;
    return request;
}

std::optional<Clock::time_point> ErrandMachine::nextDue() const
{
    if (! underWay.empty())
        return std::nullopt;
    if (nextBody())
        return notBefore;
    if (isLive())
        return heard + timing.quiet;
    return std::nullopt;
}

void ErrandMachine::unanswered (Clock::time_point now)
{
    if (underWay == "clip.put")
    {
        mayBeThere = true;
        searched = 0;
        searchUntil = {};
    }
    underWay.clear();
    notBefore = now + timing.again;
}

void ErrandMachine::answered (const Reply& reply, Clock::time_point now)
{
    const auto op = std::exchange (underWay, {});
    if (op.empty() || reply.op != op)
        return;
    hasChanged = true;
    heard = now;
    if (reply.refusal && isPassing (reply.refusal->code))
    {
        underWay = op;
        if (op == "clip.put" && reply.refusal->code != "request_expired")
            underWay.clear(); // it was not done, for sure
        return unanswered (now);
    }
    if (op == "clip.get" || op == "clip.put")
        answeredClip (reply);
    else if (op == "clip.list")
        answeredSearch (reply, now);
    else if (op == "job.submit")
        answeredSubmit (reply);
    else
        answeredJob (reply);
}

void ErrandMachine::answeredClip (const Reply& reply)
{
    const auto* found = reply.body.find ("clip");
    if (! reply.refusal && found != nullptr && found->map() != nullptr)
        return adopt (clipOf (*found));
    if (reply.op == "clip.get")
        return loseClip();
    giveUp (reply.refusal.value_or (Problem{ "bad_message", "the engine gave no clip" }));
}

void ErrandMachine::answeredSearch (const Reply& reply, Clock::time_point now)
{
    if (searchUntil == Clock::time_point())
        searchUntil = now + timing.quiet;
    const auto clips = clipsOf (reply.body);
    for (const auto& each : clips)
        if (isSameFile (each.path, state->source.path)
            && isSamePlace (each.origin, state->source.origin))
            return adopt (each);
    searched += std::int64_t (clips.size());
    const auto* total = reply.body.find ("total");
    const bool isAll = total == nullptr || total->whole() == nullptr
                       || searched >= std::min (*total->whole(), mostSearched) || clips.empty();
    if (! isAll)
        return;
    // The server may be about to make it: looked for again for a while.
    searched = 0;
    notBefore = now + timing.again;
    mayBeThere = now < searchUntil;
}

void ErrandMachine::answeredSubmit (const Reply& reply)
{
    if (! reply.refusal)
    {
        auto done = std::move (toSubmit.front());
        toSubmit.pop_front();
        auto given = jobOf (*reply.body.find ("job"));
        newest = done;
        job.reset();
        jobId = given ? given->jobId : std::string();
        adopt (std::move (given));
        // What happened to it before this answer came was told to nobody who knew its number.
        isJobSure = ! isLive();
        if (done.isCancelled && isLive())
            toCancel.push_back (jobId);
        return;
    }
    const auto& code = reply.refusal->code;
    if (code == "clip_not_found" || code == "clip_changed")
        return loseClip();
    toSubmit.pop_front();
    giveUp (*reply.refusal);
}

void ErrandMachine::answeredJob (const Reply& reply)
{
    if (reply.op == "job.cancel")
        toCancel.pop_front();
    if (! reply.refusal)
        adopt (jobOf (*reply.body.find ("job")));
    else if (reply.op == "job.get")
        loseJob();
    isJobSure = true;
}

void ErrandMachine::adopt (const Clip& given)
{
    clip = given;
    clipId = given.clipId;
    isClipSure = true;
    isOffered = mayBeThere = false;
}

void ErrandMachine::adopt (std::optional<Job> given)
{
    // Replies and events come on two ways: what is over stays over.
    if (! given || given->jobId != jobId || (job && job->isFinal() && ! given->isFinal()))
        return;
    if (given->result)
        keepExpectedPaths (*given->result, newest ? newest->options.outputFolder : "");
    if (given->error && given->error->code == "clip_changed")
    {
        clip.reset();
        clipId.clear();
    }
    job = std::move (given);
}

void ErrandMachine::loseClip()
{
    clip.reset();
    clipId.clear();
    isClipSure = true;
    if (++lostClips > mostLostClips)
        giveUp ({ "clip_not_found", "the engine does not keep this clip; see its log" });
}

void ErrandMachine::loseJob()
{
    // One that this very link submitted is made again, with the same number of submission; a
    // finished one, or one of an earlier session, is gone, and its stems are where they are.
    if (newest && isLive())
        toSubmit.push_front (*std::exchange (newest, std::nullopt));
    if (isLive())
        job.reset();
    jobId.clear();
}

void ErrandMachine::giveUp (const Problem& why)
{
    problem = why;
    toSubmit.clear();
    isOffered = false;
}

void ErrandMachine::happened (const Event& event)
{
    const auto* told = event.body.find ("job");
    if (told != nullptr)
    {
        const auto* id = told->find ("job_id");
        if (jobId.empty() || id->text() == nullptr || *id->text() != jobId)
            return;
        adopt (jobOf (*told));
    }
    else if (event.name == "job.progress")
    {
        if (! isLive() || *event.body.find ("job_id")->text() != jobId)
            return;
        job->progress = progressOf (*event.body.find ("progress"));
    }
    else if (event.name == "clip.removed")
    {
        const auto* id = event.body.find ("clip")->find ("clip_id");
        if (clipId.empty() || *id->text() != clipId)
            return;
        clip.reset();
        clipId.clear();
    }
    else
        return;
    heard = Clock::now();
    hasChanged = true;
}

void ErrandMachine::refresh()
{
    isClipSure = clipId.empty();
    isJobSure = jobId.empty() || (job && job->isFinal());
    notBefore = {};
}

void ErrandMachine::show()
{
    if (! std::exchange (hasChanged, false))
        return;
    const bool isWaiting = isOffered || ! toSubmit.empty() || ! toCancel.empty();
    state->show ({ clip, job, isWaiting, problem, 0 }, clipId, jobId);
}

} // namespace stemlasso::wire
