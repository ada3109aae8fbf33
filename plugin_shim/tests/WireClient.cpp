// A client on the command line, for tests: one JSON object a line in, one for each change out.
//
//     {"do": "make", "errand": "a", "path": "/x.wav", "name": "x", "origin": {...}}
//     {"do": "restore", "errand": "a", "path": ..., "clip": "c1", "job": "j1"}
//     {"do": "offer" | "cancel" | "drop", "errand": "a"}
//     {"do": "separate", "errand": "a", "description": "...", "spans": [[0.5, 1, true]], ...}
//     {"do": "watch" | "start" | "quit"}, {"do": "panel", "clip": "c1"}

#include "wire/MakeLink.h"

#include <atomic>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

namespace
{
using namespace stemlasso::wire;
using Json = nlohmann::json;

template <typename Content>
Json orNull (const std::optional<Content>& given)
{
    return given ? Json (*given) : Json();
}

Json told (const Origin& origin)
{
    return { { "host", origin.host },
             { "project", origin.project },
             { "track", origin.track },
             { "position_s", orNull (origin.positionSeconds) },
             { "position_samples", orNull (origin.positionSamples) },
             { "tempo_bpm", orNull (origin.tempoBpm) } };
}

Json told (const Problem& problem)
{
    return { { "code", problem.code }, { "message", problem.message } };
}

Json told (const Clip& clip)
{
    return { { "clip_id", clip.clipId },      { "name", clip.name },
             { "path", clip.path },           { "sample_rate", clip.sampleRate },
             { "n_channels", clip.channels }, { "n_samples", clip.samples },
             { "origin", told (clip.origin) } };
}

Json told (const JobResult& result)
{
    auto stems = Json::array(), notices = Json::array();
    for (const auto& stem : result.stems)
        stems.push_back ({ { "role", stem.role },
                           { "name", stem.name },
                           { "path", stem.path },
                           { "n_samples", stem.samples },
                           { "n_channels", stem.channels },
                           { "sample_rate", stem.sampleRate } });
    for (const auto& notice : result.notices)
        notices.push_back (told (notice));
    return { { "stems", stems },
             { "notices", notices },
             { "folder", result.folder },
             { "manifest_path", result.manifestPath },
             { "separator", result.separator },
             { "confidence", result.confidence },
             { "null_db", orNull (result.nullDb) } };
}

Json told (const Job& job)
{
    static const char* states[] = { "queued", "running", "done", "failed", "cancelled" };
    return { { "job_id", job.jobId },
             { "clip_id", job.clipId },
             { "state", states[int (job.state)] },
             { "stage", job.progress.stage },
             { "fraction", job.progress.fraction },
             { "error", job.error ? told (*job.error) : Json() },
             { "result", job.result ? told (*job.result) : Json() } };
}

Json told (const ErrandView& view)
{
    return { { "clip", view.clip ? told (*view.clip) : Json() },
             { "job", view.job ? told (*view.job) : Json() },
             { "is_waiting", view.isWaiting },
             { "problem", view.problem ? told (*view.problem) : Json() },
             { "revision", view.revision } };
}

Json told (const LinkView& view)
{
    static const char* states[] = {
        "idle", "absent", "starting", "connected", "silent", "refused"
    };
    return { { "state", states[int (view.state)] },
             { "words", view.words },
             { "server_version", view.serverVersion } };
}

ClipSource sourceOf (const Json& given)
{
    ClipSource source{ given.at ("path"), given.value ("name", ""), {} };
    const auto origin = given.value ("origin", Json::object());
    source.origin.host = origin.value ("host", "");
    source.origin.project = origin.value ("project", "");
    source.origin.track = origin.value ("track", "");
    if (origin.contains ("position_s"))
        source.origin.positionSeconds = origin.at ("position_s").get<double>();
    if (origin.contains ("position_samples"))
        source.origin.positionSamples = origin.at ("position_samples").get<std::int64_t>();
    if (origin.contains ("tempo_bpm"))
        source.origin.tempoBpm = origin.at ("tempo_bpm").get<double>();
    return source;
}

Prompt promptOf (const Json& given)
{
    Prompt prompt{ given.value ("description", ""), {} };
    for (const auto& span : given.value ("spans", Json::array()))
        prompt.spans.push_back ({ span.at (0), span.at (1), span.at (2) });
    return prompt;
}

JobOptions optionsOf (const Json& given)
{
    JobOptions options;
    options.separator = given.value ("separator", "builtin");
    options.seed = given.value ("seed", 0u);
    options.outputFolder = given.value ("output_folder", "");
    return options;
}

/** What has been made, and what was last said of it. */
class Desk
{
public:
    explicit Desk (const Timing& timing) : link (makeLink (Folders::find(), timing)) {}

    bool carryOut (const Json& order)
    {
        const auto what = order.at ("do").get<std::string>();
        const auto name = order.value ("errand", "");
        const std::lock_guard lock (mutex);
        if (what == "quit")
            return false;
        if (what == "make")
            errands[name] = { link->makeErrand (sourceOf (order)), {} };
        else if (what == "restore")
            errands[name] = { link->restoreErrand (sourceOf (order), order.value ("clip", ""),
                                                   order.value ("job", "")),
                              {} };
        else if (what == "drop")
            errands.erase (name);
        else if (what == "offer")
            errands.at (name).errand->offer();
        else if (what == "separate")
            errands.at (name).errand->separate (promptOf (order), optionsOf (order));
        else if (what == "cancel")
            errands.at (name).errand->cancel();
        else if (what == "watch")
            link->watch();
        else if (what == "start")
            link->startEngine();
        else if (what == "panel")
        {
            std::string words;
            const auto isOpen = link->openPanel (order.value ("clip", ""), words);
            say ({ { "panel", isOpen }, { "words", words } });
        }
        return true;
    }

    void tellChanges()
    {
        const std::lock_guard lock (mutex);
        for (auto& [name, each] : errands)
            if (auto view = each.errand->view(); view != each.said)
            {
                auto line = told (*view);
                line["errand"] = name;
                line["clip_id"] = each.errand->clipId();
                line["job_id"] = each.errand->jobId();
                say (line);
                each.said = view;
            }
        if (auto now = told (link->view()); now != saidOfLink)
        {
            say ({ { "link", now } });
            saidOfLink = now;
        }
    }

private:
    struct Kept
    {
        std::shared_ptr<Errand> errand;
        std::shared_ptr<const ErrandView> said;
    };

    static void say (const Json& line) { std::cout << line.dump() << std::endl; }

    std::mutex mutex;
    std::shared_ptr<EngineLink> link;
    std::map<std::string, Kept> errands;
    Json saidOfLink;
};
} // namespace

int main (int count, char** arguments)
{
    Timing timing;
    if (count > 1 && std::string (arguments[1]) == "--impatient")
    {
        using Span = Timing::Span;
        timing.look = timing.again = Span (200);
        timing.quiet = Span (700);
        timing.silent = Span (1500);
        timing.reply = Span (2500);
        timing.launch = Span (4000);
    }
    Desk desk (timing);
    std::atomic<bool> isOver{ false };
    std::thread teller (
        [&]
        {
            while (! isOver)
            {
                desk.tellChanges();
                std::this_thread::sleep_for (std::chrono::milliseconds (5));
            }
        });
    for (std::string line; std::getline (std::cin, line);)
        if (! desk.carryOut (Json::parse (line)))
            break;
    isOver = true;
    teller.join();
    return 0;
}
