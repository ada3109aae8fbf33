#include "Golden.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace stemlasso::wire;
using golden::Json;

namespace
{
Json jsonOf (const Value& value)
{
    if (const auto* flag = value.flag())
        return *flag;
    if (const auto* whole = value.whole())
        return *whole;
    if (const auto number = value.number())
        return *number;
    if (const auto* text = value.text())
        return *text;
    if (const auto* list = value.list())
    {
        auto made = Json::array();
        for (const auto& each : *list)
            made.push_back (jsonOf (each));
        return made;
    }
    if (const auto* map = value.map())
    {
        auto made = Json::object();
        for (const auto& [name, each] : *map)
            made[name] = jsonOf (each);
        return made;
    }
    return nullptr;
}

std::string codeOf (const std::variant<Reply, Problem>& read)
{
    const auto* problem = std::get_if<Problem> (&read);
    return problem == nullptr ? "" : problem->code;
}

std::string codeOf (const std::variant<std::monostate, Event, Problem>& read)
{
    const auto* problem = std::get_if<Problem> (&read);
    return problem == nullptr ? "" : problem->code;
}

/** The operation that a header names, where one can be read. */
std::string operationOf (const Frames& frames)
{
    std::string words;
    const auto header = frames.size() > 1 ? unpack (frames[1], words) : std::nullopt;
    const auto* op = header ? header->find ("op") : nullptr;
    return op != nullptr && op->text() != nullptr ? *op->text() : "";
}

bool isOurs (const std::string& operation)
{
    static const std::string ours[] = { "hello",    "ping",       "clip.put",
                                        "clip.get", "clip.list",  "job.submit",
                                        "job.get",  "job.cancel", "events.subscribe" };
    return std::find (std::begin (ours), std::end (ours), operation) != std::end (ours);
}

const Origin drums{ "REAPER", "song.rpp", "Drums", 12.5, 600000 };
const Prompt snare{ "snare drum", { { 0.25, 1.0, true }, { 1.5, 2.0, false } } };

/** Every golden request, as this side writes it. */
std::map<std::string, Frames> requests()
{
    JobOptions options, again;
    options.separator = "builtin";
    options.seed = 7;
    again.seed = 8;
    again.rerun = Rerun{ "j1", 0.5, 1.25 };
    std::string chunk;
    for (const float sample : { 0.0f, -0.0f, 0.5f, -0.5f, 1.0f, -1.0f })
        chunk.append (reinterpret_cast<const char*> (&sample), sizeof sample);
    const Map upload{ { "content", "float32" },
                      { "sample_rate", 48000 },
                      { "n_channels", 2 },
                      { "n_samples", 3 },
                      { "n_bytes", 24 } };
    const Map put{ { "path", "" },
                   { "upload", upload },
                   { "name", "take 1" },
                   { "origin", bodies::origin (drums) } };
    return {
        { "request_hello", makeRequest (1, "hello", bodies::hello ("shim", "0.1.0")) },
        { "request_ping", makeRequest (2, "ping", bodies::ping ("x")) },
        { "request_clip_put_path",
          makeRequest (3, "clip.put", bodies::clipPut ({ "/music/drums.wav", "", drums })) },
        { "request_clip_put_upload", makeRequest (4, "clip.put", put) },
        { "request_clip_chunk",
          makeRequest (5, "clip.chunk", Map{ { "upload_id", "u1" }, { "index", 0 } }, chunk) },
        { "request_clip_commit",
          makeRequest (6, "clip.commit", Map{ { "upload_id", "u1" }, { "sha256", "" } }) },
        { "request_job_submit",
          makeRequest (7, "job.submit", bodies::submit ("c1", snare, options, "s1")) },
        { "request_job_submit_rerun",
          makeRequest (10, "job.submit", bodies::submit ("c1", snare, again, "s2")) },
        { "request_job_cancel", makeRequest (8, "job.cancel", bodies::job ("j1")) },
        { "request_events_subscribe",
          makeRequest (9, "events.subscribe", bodies::subscribe ({ "clip", "job" })) },
    };
}
} // namespace

TEST_CASE ("requests are written as the golden messages are, to the byte")
{
    auto written = requests();
    const auto there = golden::all (golden::folder());
    for (const auto& [name, frames] : written)
    {
        INFO (name);
        REQUIRE (there.count (name) == 1);
        const auto& expected = there.at (name);
        REQUIRE (frames.size() == expected.size());
        // Of the prologue the minor is this side's own.
        REQUIRE (frames[0].substr (0, 5) == expected[0].substr (0, 5));
        for (std::size_t index = 1; index < frames.size(); ++index)
            REQUIRE (frames[index] == expected[index]);
    }
    // Those of a first minor; later ones may be of operations that a plug-in has no use for.
    for (const auto& [name, frames] : there)
        if (golden::startsWith (name, "request_") && frames[0][5] <= 1
            && name != "request_of_major_2")
            CHECK (written.count (name) == 1);
}

TEST_CASE ("replies and events mean what the index says")
{
    const auto index = golden::index (golden::folder());
    int replies = 0, events = 0;
    for (const auto& [name, frames] : golden::all (golden::folder()))
    {
        INFO (name);
        REQUIRE (index.contains (name));
        const auto& meant = index.at (name);
        Json body;
        if (golden::startsWith (name, "request_"))
            continue;
        if (golden::startsWith (name, "event_"))
        {
            const auto read = readEvent (frames);
            if (std::holds_alternative<std::monostate> (read))
                continue; // of a later minor
            REQUIRE (codeOf (read) == "");
            const auto& event = std::get<Event> (read);
            CHECK (event.name == meant.at ("event"));
            CHECK (event.sequence == meant.at ("sequence"));
            body = jsonOf (event.body);
            ++events;
        }
        else
        {
            const auto read = readReply (frames);
            const auto isError = meant.contains ("status");
            if (! isError && ! isOurs (meant.at ("op")))
            {
                CHECK (codeOf (read) == "bad_message");
                continue;
            }
            REQUIRE (codeOf (read) == "");
            const auto& reply = std::get<Reply> (read);
            CHECK (reply.id == meant.at ("id").get<std::int64_t>());
            CHECK (reply.op == meant.at ("op"));
            REQUIRE (reply.refusal.has_value() == isError);
            if (isError)
                body = { { "code", reply.refusal->code }, { "message", reply.refusal->message } };
            else
                body = jsonOf (reply.body);
            ++replies;
        }
        // A field of a later minor that says nothing is in the index, and not in the message.
        auto expected = meant.at ("body").flatten(), found = body.flatten();
        for (const auto& [pointer, value] : expected.items())
        {
            INFO (pointer);
            if (! found.contains (pointer) && value.is_null())
                continue;
            REQUIRE (found.contains (pointer));
            CHECK (found.at (pointer) == value);
        }
    }
    CHECK (replies >= 8);
    CHECK (events >= 4);
}

TEST_CASE ("a finished job becomes plain values")
{
    const auto read = readReply (golden::framesIn (golden::folder() / "reply_job_get_done.bin"));
    const auto job = jobOf (*std::get<Reply> (read).body.find ("job"));
    REQUIRE (job);
    CHECK (job->jobId == "j1");
    CHECK (job->state == JobState::done);
    CHECK (job->isFinal());
    CHECK (job->progress.fraction == 1.0);
    CHECK (job->progress.secondsLeft == 0.0);
    CHECK_FALSE (job->error);
    REQUIRE (job->result);
    CHECK (job->result->confidence == 0.8);
    CHECK_FALSE (job->result->nullDb);
    REQUIRE (job->result->stems.size() == 2);
    CHECK (job->result->stems[0].role == "target");
    CHECK (job->result->stems[0].path == "/store/j1/target.wav");
    CHECK (job->result->stems[0].score == 0.75);
    CHECK (job->result->stems[1].samples == 96000);
}

TEST_CASE ("a clip keeps its place on the timeline")
{
    const auto read = readEvent (golden::framesIn (golden::folder() / "event_clip_added.bin"));
    const auto clip = clipOf (*std::get<Event> (read).body.find ("clip"));
    CHECK (clip.clipId == "c1");
    CHECK (clip.samples == 96000);
    CHECK (clip.origin == drums);
    CHECK (clip.name == "Schlagzeug – Größe");
}

TEST_CASE ("a tempo is sent where there is one, and read")
{
    auto placed = drums;
    placed.tempoBpm = 93.5;
    const auto sent = bodies::clipPut ({ "/music/drums.wav", "", placed });
    const auto* origin = sent.find ("origin");
    REQUIRE (origin != nullptr);
    CHECK (origin->find ("tempo_bpm")->number() == 93.5);
    CHECK (bodies::origin (drums).find ("tempo_bpm") == nullptr);
    const auto clip = clipOf (Map{ { "clip_id", "c1" }, { "name", "x" }, { "origin", *origin } });
    CHECK (clip.origin == placed);
}

TEST_CASE ("broken replies and events are refused with the code of the corpus")
{
    const auto folder = golden::folder() / "fuzz";
    const auto index = golden::index (folder);
    int checked = 0;
    for (const auto& [name, frames] : golden::all (folder))
    {
        INFO (name);
        const auto& meant = index.at (name);
        auto expected = meant.at ("refused_with").get<std::string>();
        const auto asReply = codeOf (readReply (frames));
        const auto asEvent = codeOf (readEvent (frames));
        if (meant.at ("kind") == "reply")
        {
            const auto operation = operationOf (frames);
            if (expected == "bad_body" && ! operation.empty() && ! isOurs (operation)
                && asReply != expected)
                expected = "bad_message"; // this side does not ask for it
            CHECK (asReply == expected);
            ++checked;
        }
        else if (meant.at ("kind") == "event")
        {
            CHECK (asEvent == expected);
            ++checked;
        }
    }
    CHECK (checked >= 50);
}

TEST_CASE ("another major is refused in words that name both versions")
{
    auto frames = golden::framesIn (golden::folder() / "reply_ping.bin");
    frames[0][4] = 2;
    frames[0][5] = 3;
    const auto problem = std::get<Problem> (readReply (frames));
    CHECK (problem.code == "version_mismatch");
    CHECK_THAT (problem.message, Catch::Contains ("2.3") && Catch::Contains ("1.1"));
}

TEST_CASE ("a later minor may say more")
{
    auto frames = golden::framesIn (golden::folder() / "event_job_done.bin");
    frames[1][5] = 9;
    std::string words;
    auto body = *unpack (frames[3], words);
    auto job = *body.find ("job")->map();
    for (auto& [name, value] : job)
        if (name == "result")
        {
            auto result = *value.map();
            for (auto& [key, each] : result)
                if (key == "stems")
                {
                    auto stems = *each.list();
                    auto stem = *stems[0].map();
                    for (auto& [field, held] : stem)
                        if (field == "role")
                            held = "room";
                    stems.push_back (stem);
                    each = stems;
                }
            value = result;
        }
    job.emplace_back ("loudness", Map{ { "of_later", -14 } });
    frames[3].clear();
    pack (Map{ { "job", job }, { "more", List{ 1, "two", Value() } } }, frames[3]);
    const auto read = readEvent (frames);
    REQUIRE (codeOf (read) == "");
    const auto found = jobOf (*std::get<Event> (read).body.find ("job"));
    REQUIRE (found);
    CHECK (found->result->stems.size() == 2);

    frames[0] = frames[2] = "";
    pack (Map{ { "event", "room.changed" }, { "sequence", 1 }, { "time_s", 0.5 } }, frames[2]);
    CHECK (std::holds_alternative<std::monostate> (readEvent (frames)));
}

TEST_CASE ("a job in a state of a later minor is passed over")
{
    const Map job{
        { "job_id", "j" }, { "clip_id", "c" }, { "prompt", Map{} }, { "state", "paused" }
    };
    CHECK_FALSE (jobOf (job));
}

TEST_CASE ("values survive packing")
{
    const Value value = Map{ { "a", List{ 0, -1, 127, 128, 65536, largestWhole, -largestWhole } },
                             { "b", List{ 0.0, 1.0, -2.5, 1e300 } },
                             { "c", List{ true, false, Value(), "", "Größe" } },
                             { "d", Map{ { "e", Map{} }, { "f", List{} } } } };
    std::string bytes, words;
    pack (value, bytes);
    CHECK (unpack (bytes, words) == value);
    CHECK (words == "");
    // Every shorter piece of it is incomplete, and a longer one has something behind it.
    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK_FALSE (unpack (std::string_view (bytes).substr (0, size), words));
    CHECK_FALSE (unpack (bytes + '\xc0', words));
}

TEST_CASE ("what no message may hold is refused")
{
    const auto refuses = [] (const std::string& bytes)
    {
        std::string words;
        const auto found = unpack (bytes, words);
        CHECK (found.has_value() == words.empty());
        return ! found;
    };
    using std::string;
    const string tooMany = "\xde\x04\x01"; // a map of 1025
    CHECK (refuses (""));
    CHECK (refuses ("\xc1"));
    CHECK (refuses (string ("\xc4\x01") + "x")); // bin
    CHECK (refuses (string ("\xd4\x05") + "x")); // ext
    CHECK (refuses (string ("\x81\x01\x01")));   // a key that is a number
    CHECK (refuses (string ("\x81\x90\x01")));   // a key that is a list
    CHECK (refuses (string ("\xa1\x00", 2)));    // NUL
    CHECK (refuses ("\xa2\xc0\xaf"));            // '/' spelled too long
    CHECK (refuses ("\xa3\xed\xa0\x80"));        // half of a surrogate pair
    CHECK (refuses ("\xa4\xf5\x80\x80\x80"));    // beyond Unicode
    CHECK (refuses (string ("\xcf\x00\x20\x00\x00\x00\x00\x00\x01", 9))); // 2^53 + 1
    CHECK (refuses (string ("\xd3\xff\xdf\xff\xff\xff\xff\xff\xff", 9)));
    CHECK (refuses (tooMany));
    CHECK (refuses (string ("\xdc\x04\x01") + string (1025, '\x01')));
    CHECK (refuses (string ("\xdd\xff\xff\xff\xff")));
    CHECK (refuses (string (65, '\x91') + "\x01"));
    CHECK (refuses (string (100000, '\x91')));
    CHECK_FALSE (refuses (string (64, '\x91') + "\x01"));
}

TEST_CASE ("numbers that are none are refused where one is asked for")
{
    for (const auto number : { std::numeric_limits<double>::quiet_NaN(),
                               std::numeric_limits<double>::infinity(), -1.0, 1.5 })
    {
        Frames frames{ "job.progress",
                       golden::framesIn (golden::folder() / "event_job_progress.bin")[1],
                       {},
                       {} };
        pack (Map{ { "event", "job.progress" }, { "sequence", 1 }, { "time_s", 0 } }, frames[2]);
        pack (Map{ { "job_id", "j1" }, { "progress", Map{ { "fraction", number } } } }, frames[3]);
        CHECK (codeOf (readEvent (frames)) == "bad_body");
    }
}
