#include "Message.h"

#include "Shape.h"

#include <algorithm>

namespace stemlasso::wire
{

namespace
{
const std::pair<std::string_view, const Shape*> operations[] = {
    { "hello", &shapes::welcome },
    { "ping", &shapes::ping },
    { "clip.put", &shapes::clipPutReply },
    { "clip.get", &shapes::clipReply },
    { "clip.list", &shapes::clipPage },
    { "job.submit", &shapes::jobReply },
    { "job.get", &shapes::jobReply },
    { "job.cancel", &shapes::jobReply },
    { "events.subscribe", &shapes::subscription },
};

const std::pair<std::string_view, const Shape*> events[] = {
    { "clip.added", &shapes::clipReply },       { "clip.removed", &shapes::clipReply },
    { "job.queued", &shapes::jobReply },        { "job.started", &shapes::jobReply },
    { "job.progress", &shapes::jobProgressed }, { "job.done", &shapes::jobReply },
    { "job.failed", &shapes::jobReply },        { "job.cancelled", &shapes::jobReply },
    { "server.stopping", &shapes::empty },
};

template <typename Table>
const Shape* shapeOf (const Table& table, std::string_view name)
{
    const auto found = std::find_if (std::begin (table), std::end (table),
                                     [&] (const auto& row) { return row.first == name; });
    return found == std::end (table) ? nullptr : found->second;
}

std::string prologue() { return std::string ("SLWP") + char (majorVersion) + char (minorVersion); }

Problem badFrames (std::size_t count, const char* allowed)
{
    return { "bad_frames",
             std::to_string (count) + " frames: " + allowed + " of at most 4 MiB are allowed" };
}

bool isTooLong (const std::string& frame) { return frame.size() > mostFrameBytes; }

std::optional<Problem> checkPrologue (const std::string& frame)
{
    if (frame.size() != 6 || frame.compare (0, 4, "SLWP") != 0)
        return Problem{ "bad_frames", "the first frame is no prologue of this protocol" };
    const auto number = [&] (std::size_t at)
    { return std::to_string (static_cast<unsigned char> (frame[at])); };
    if (frame[4] != char (majorVersion))
        return Problem{ "version_mismatch",
                        "the engine speaks protocol " + number (4) + "." + number (5)
                            + ", this plug-in " + std::to_string (majorVersion) + "."
                            + std::to_string (minorVersion)
                            + ": the first numbers must be equal; update the older of the two" };
    return std::nullopt;
}

/** The map that a frame holds, checked against `shape`; or why it is none. */
std::variant<Value, Problem> read (const std::string& frame, const Shape& shape, const char* code)
{
    std::string words;
    auto value = unpack (frame, words);
    if (value)
        words = check (*value, shape);
    if (! words.empty())
        return Problem{ code, words };
    return std::move (*value);
}

// Of a field that was checked, or the default where it was left out.
const Value& at (const Value& map, std::string_view name)
{
    static const Value none;
    const auto* found = map.find (name);
    return found == nullptr ? none : *found;
}
std::string text (const Value& map, std::string_view name)
{
    const auto* found = at (map, name).text();
    return found == nullptr ? std::string() : *found;
}
std::int64_t whole (const Value& map, std::string_view name)
{
    const auto* found = at (map, name).whole();
    return found == nullptr ? 0 : *found;
}
const List& list (const Value& map, std::string_view name)
{
    static const List none;
    const auto* found = at (map, name).list();
    return found == nullptr ? none : *found;
}

Problem problemOf (const Value& body) { return { text (body, "code"), text (body, "message") }; }

std::optional<Problem> problemOrNone (const Value& body)
{
    return body.map() == nullptr ? std::nullopt : std::optional (problemOf (body));
}

Origin originOf (const Value& body)
{
    Origin origin{ text (body, "host"), text (body, "project"), text (body, "track"),
                   at (body, "position_s").number(), std::nullopt };
    if (const auto* samples = at (body, "position_samples").whole())
        origin.positionSamples = *samples;
    origin.tempoBpm = at (body, "tempo_bpm").number();
    return origin;
}

JobResult resultOf (const Value& body)
{
    JobResult result;
    for (const auto& each : list (body, "stems"))
    {
        const auto role = text (each, "role");
        if (role == "target" || role == "residual" || role == "candidate")
            result.stems.push_back ({ role, text (each, "name"), text (each, "path"),
                                      whole (each, "index"), whole (each, "sample_rate"),
                                      whole (each, "n_channels"), whole (each, "n_samples"),
                                      at (each, "score").number() });
    }
    result.manifestPath = text (body, "manifest_path");
    result.folder = text (body, "folder");
    result.separator = text (body, "separator");
    result.confidence = at (body, "confidence").number().value_or (1);
    result.nullDb = at (body, "null_db").number();
    for (const auto& each : list (body, "notices"))
        result.notices.push_back (problemOf (each));
    return result;
}

std::optional<JobState> stateOf (const Value& job)
{
    static const std::pair<std::string_view, JobState> states[] = {
        { "", JobState::queued },         { "queued", JobState::queued },
        { "running", JobState::running }, { "done", JobState::done },
        { "failed", JobState::failed },   { "cancelled", JobState::cancelled },
    };
    const auto word = text (job, "state");
    for (const auto& [name, state] : states)
        if (name == word)
            return state;
    return std::nullopt;
}
} // namespace

Frames makeRequest (std::int64_t id, const std::string& op, const Value& body,
                    const std::string& data)
{
    Frames frames{ prologue(), {}, {} };
    pack (Map{ { "id", id }, { "op", op } }, frames[1]);
    pack (body, frames[2]);
    if (! data.empty())
        frames.push_back (data);
    return frames;
}

std::variant<Reply, Problem> readReply (const Frames& frames)
{
    const auto count = frames.size();
    if (count < 3 || count > 4 || std::any_of (frames.begin(), frames.end(), isTooLong))
        return badFrames (count, "3 or 4");
    if (auto problem = checkPrologue (frames[0]))
        return *problem;
    auto header = read (frames[1], shapes::replyHeader, "bad_header");
    if (auto* problem = std::get_if<Problem> (&header))
        return *problem;
    const auto& head = std::get<Value> (header);
    Reply reply{ std::nullopt, text (head, "op"), std::nullopt, {} };
    if (const auto* id = at (head, "id").whole())
        reply.id = *id;
    const auto status = text (head, "status");
    if (status != "ok" && status != "error")
        return Problem{ "bad_header", "status: ok or error was expected" };
    const auto* shape = status == "error" ? &shapes::problem : shapeOf (operations, reply.op);
    if (shape == nullptr)
        return Problem{ "bad_message", "a reply to an operation that this side does not ask for" };
    auto body = read (frames[2], *shape, "bad_body");
    if (auto* problem = std::get_if<Problem> (&body))
        return *problem;
    if (status == "error")
        reply.refusal = problemOf (std::get<Value> (body));
    else
        reply.body = std::move (std::get<Value> (body));
    return reply;
}

std::variant<std::monostate, Event, Problem> readEvent (const Frames& frames)
{
    if (frames.size() != 4 || std::any_of (frames.begin(), frames.end(), isTooLong))
        return badFrames (frames.size(), "4");
    if (auto problem = checkPrologue (frames[1]))
        return *problem;
    auto header = read (frames[2], shapes::eventHeader, "bad_header");
    if (auto* problem = std::get_if<Problem> (&header))
        return *problem;
    const auto& head = std::get<Value> (header);
    Event event{ text (head, "event"), whole (head, "sequence"), {} };
    const auto* shape = shapeOf (events, event.name);
    if (shape == nullptr)
        return std::monostate();
    auto body = read (frames[3], *shape, "bad_body");
    if (auto* problem = std::get_if<Problem> (&body))
        return *problem;
    event.body = std::move (std::get<Value> (body));
    return event;
}

namespace bodies
{
Value hello (const std::string& client, const std::string& version)
{
    return Map{ { "client", client }, { "version", version } };
}
Value ping (const std::string& echo) { return Map{ { "echo", echo } }; }
Value clip (const std::string& clipId) { return Map{ { "clip_id", clipId } }; }
Value job (const std::string& jobId) { return Map{ { "job_id", jobId } }; }
Value page (std::int64_t offset, std::int64_t limit)
{
    return Map{ { "offset", offset }, { "limit", limit } };
}
Value subscribe (const std::vector<std::string>& families)
{
    return Map{ { "families", List (families.begin(), families.end()) } };
}
Value origin (const Origin& given)
{
    Map made{ { "host", given.host },
              { "project", given.project },
              { "track", given.track },
              { "position_s", given.positionSeconds },
              { "position_samples", given.positionSamples } };
    if (given.tempoBpm) // of a later minor: its default is not sent
        made.emplace_back ("tempo_bpm", *given.tempoBpm);
    return made;
}
Value clipPut (const ClipSource& source)
{
    return Map{ { "path", source.path },
                { "upload", Value() },
                { "name", source.name },
                { "origin", origin (source.origin) } };
}

Value submit (const std::string& clipId, const Prompt& prompt, const JobOptions& options,
              const std::string& submissionId)
{
    List spans;
    for (const auto& span : prompt.spans)
        spans.push_back (Map{ { "start_s", span.startSeconds },
                              { "end_s", span.endSeconds },
                              { "sign", span.here ? "+" : "-" } });
    Map told{ { "separator", options.separator },
              { "quality", options.quality },
              { "n_candidates", options.candidates },
              { "seed", std::int64_t (options.seed) },
              { "stereo", options.stereo },
              { "residual", options.residual },
              { "presence_gate", options.presenceGate },
              { "n_threads", 0 },
              { "format", "" },
              { "output_folder", options.outputFolder },
              { "allow_overwrite", options.allowOverwrite },
              { "priority", "interactive" } };
    if (options.rerun) // a field of 1.1: left out where it says nothing
        told.emplace_back ("rerun", Map{ { "base_job_id", options.rerun->baseJobId },
                                         { "start_s", options.rerun->startSeconds },
                                         { "end_s", options.rerun->endSeconds } });
    return Map{ { "clip_id", clipId },
                { "prompt", Map{ { "description", prompt.description },
                                 { "spans", spans },
                                 { "video_path", "" },
                                 { "mask_path", "" } } },
                { "options", told },
                { "submission_id", submissionId } };
}
} // namespace bodies

Welcome welcomeOf (const Value& body)
{
    return { text (body, "protocol"), text (body, "server_version"), text (body, "server_id") };
}

Subscription subscriptionOf (const Value& body)
{
    Subscription subscription{ int (whole (body, "port")), {} };
    for (const auto& each : list (body, "sequences"))
        subscription.sequences.emplace_back (text (each, "family"), whole (each, "sequence"));
    return subscription;
}

Clip clipOf (const Value& body)
{
    return { text (body, "clip_id"),        text (body, "name"),        text (body, "path"),
             whole (body, "sample_rate"),   whole (body, "n_channels"), whole (body, "n_samples"),
             originOf (at (body, "origin")) };
}

std::vector<Clip> clipsOf (const Value& page)
{
    std::vector<Clip> clips;
    for (const auto& each : list (page, "clips"))
        clips.push_back (clipOf (each));
    return clips;
}

Progress progressOf (const Value& body)
{
    return { text (body, "stage"), at (body, "fraction").number().value_or (0),
             at (body, "seconds_left").number() };
}

std::optional<Job> jobOf (const Value& body)
{
    const auto state = stateOf (body);
    if (! state)
        return std::nullopt;
    Job job{ text (body, "job_id"),
             text (body, "clip_id"),
             *state,
             progressOf (at (body, "progress")),
             problemOrNone (at (body, "error")),
             {} };
    if (at (body, "result").map() != nullptr)
        job.result = resultOf (at (body, "result"));
    return job;
}

} // namespace stemlasso::wire
