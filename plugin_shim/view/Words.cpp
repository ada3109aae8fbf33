#include "Words.h"

#include "Places.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

namespace stemlasso::view
{

Line engineBadge (wire::LinkState state)
{
    switch (state)
    {
    case wire::LinkState::idle:
        return { Tone::quiet, "looking for the engine" };
    case wire::LinkState::absent:
        return { Tone::warning, "engine not running" };
    case wire::LinkState::starting:
        return { Tone::busy, "engine starting" };
    case wire::LinkState::connected:
        return { Tone::good, "engine ready" };
    case wire::LinkState::silent:
        return { Tone::warning, "engine not answering" };
    case wire::LinkState::refused:
        return { Tone::bad, "engine does not fit" };
    }
    return {};
}

bool saysMore (const wire::LinkView& link, const Line& badge)
{
    std::string said = badge.text; // "engine not running" and "the engine is not running"
    if (const auto space = said.find (' '); space != std::string::npos)
        said.insert (space, " is");
    return ! link.words.empty() && link.words != badge.text && link.words != "the " + said;
}

bool canStart (wire::LinkState state) { return state == wire::LinkState::absent; }

std::string stageWords (const std::string& stage)
{
    static const std::map<std::string, std::string> words{
        { "", "starting" },
        { "load", "loading the model" },
        { "encode", "listening" },
        { "spot", "finding the places" },
        { "learn", "learning the sound" },
        { "sample", "separating" },
        { "separate", "separating" },
        { "decode", "decoding" },
        { "rank", "choosing the best take" },
        { "check", "checking that it adds up" },
        { "write", "writing the stems" },
    };
    const auto found = words.find (stage);
    return found != words.end() ? found->second : stage;
}

std::string advice (const std::string& code)
{
    static const std::map<std::string, std::string> words{
        { "worker_died", "Close other programs or choose a lower quality, then try again." },
        { "worker_hung", "Try again; if it happens again, choose a lower quality." },
        { "out_of_memory", "Choose a lower quality or fewer takes, then try again." },
        { "clip_changed", "Remove it here and add the file again." },
        { "clip_too_long", "Capture or cut a shorter stretch." },
        { "file_not_found", "The file was moved or deleted. Add it from where it is now." },
        { "audio_not_found", "The file was moved or deleted. Add it from where it is now." },
        { "disk_full", "Free some disk space, then try again." },
        { "store_full", "Free some disk space, or remove old jobs in the panel, then try again." },
        { "prompt_invalid", "Describe the sound, or drag over a place where it is." },
        { "prompt_needs_spans", "Drag over a place where the sound is." },
        { "server_unavailable", "It is asked for again as soon as the engine is back." },
        { "too_many_jobs", "Wait until one of the others is done." },
        { "server_busy", "Try again in a moment." },
    };
    const auto found = words.find (code);
    return found != words.end() ? found->second : std::string();
}

std::string sentence (const wire::Problem& problem)
{
    auto text = problem.message.empty() ? problem.code : problem.message;
    const auto more = advice (problem.code);
    if (more.empty())
        return text;
    if (! text.empty() && std::string (".!?").find (text.back()) == std::string::npos)
        text += '.';
    return text + " " + more;
}

namespace
{
WorkState waiting (const wire::LinkView& link)
{
    switch (link.state)
    {
    case wire::LinkState::absent:
        return { { Tone::warning, "Waits for the engine. Start it, and this begins by itself." },
                 0,
                 true };
    case wire::LinkState::silent:
    case wire::LinkState::refused:
        return { { Tone::warning, link.words.empty() ? "Waits for the engine." : link.words },
                 0,
                 true };
    case wire::LinkState::idle:
    case wire::LinkState::starting:
        return { { Tone::busy, "Waits for the engine to start\u2026" }, 0, true };
    case wire::LinkState::connected:
        break;
    }
    return { { Tone::busy, "Handing the clip over\u2026" }, 0, true };
}

WorkState running (const wire::Job& job)
{
    auto text = stageWords (job.progress.stage);
    text[0] = char (std::toupper (static_cast<unsigned char> (text[0])));
    if (job.progress.secondsLeft)
        text += " \u00b7 " + shortDuration (*job.progress.secondsLeft) + " left";
    return { { Tone::busy, text }, job.progress.fraction, true };
}

WorkState done (const wire::Job& job)
{
    if (! job.result)
        return { { Tone::good, "Done." } };
    const auto sure = int (std::lround (100 * job.result->confidence));
    auto text = "Done, " + std::to_string (sure) + "% sure.";
    for (const auto& notice : job.result->notices)
        text.append (" ").append (sentence (notice));
    if (job.result->notices.empty() && ! job.result->nullDb)
        text += " Target and residual add up to the clip, to the last bit.";
    return { { sure < 50 ? Tone::warning : Tone::good, text } };
}
} // namespace

WorkState workState (const wire::ErrandView& errand, const wire::LinkView& link)
{
    if (errand.problem)
        return { { Tone::bad, sentence (*errand.problem) } };
    // What waits while the engine is away is said to wait, whatever the last job was.
    if (errand.isWaiting)
        return waiting (link);
    if (! errand.job)
        return {};
    const auto& job = *errand.job;
    switch (job.state)
    {
    case wire::JobState::queued:
    case wire::JobState::running:
        if (link.state != wire::LinkState::connected && link.state != wire::LinkState::idle)
            return waiting (link);
        if (job.state == wire::JobState::queued)
            return { { Tone::busy, "Waits for its turn\u2026" }, 0, true };
        return running (job);
    case wire::JobState::done:
        return done (job);
    case wire::JobState::failed:
        return { { Tone::bad, job.error ? sentence (*job.error) : "It failed. Try again." } };
    case wire::JobState::cancelled:
        return { { Tone::quiet, "Cancelled. Nothing of it is left." } };
    }
    return {};
}

Line nullBadge (const wire::ErrandView& errand, const std::vector<wire::Stem>& shown)
{
    if (shown.empty() || ! errand.job || ! errand.job->result)
        return {};
    const auto& result = *errand.job->result;
    const auto isResidual = [] (const wire::Stem& stem) { return stem.role == "residual"; };
    if (result.stems.empty() || result.stems.front().path != shown.front().path
        || std::none_of (shown.begin(), shown.end(), isResidual))
        return {};
    if (! result.nullDb)
        return { Tone::good, "null: exact" };
    return { Tone::warning, "null: " + std::to_string (std::lround (*result.nullDb)) + " dB" };
}

std::string missing (const wire::Prompt& prompt, bool hasClip)
{
    if (! hasClip)
        return "Capture something, or drop an audio file here.";
    const auto isBlank = prompt.description.find_first_not_of (" \t\r\n") == std::string::npos;
    if (isBlank && prompt.spans.empty())
        return "Describe the sound, or drag over a place where it is.";
    return {};
}

std::string shortName (const wire::Stem& stem, const std::string& clipName)
{
    auto name = stem.name;
    const auto ending = name.rfind ('.');
    if (ending != std::string::npos && ending > 0 && name.size() - ending <= 5)
        name.erase (ending);
    const auto prefix = clipName + " - ";
    if (name.size() > prefix.size() && name.compare (0, prefix.size(), prefix) == 0)
        name.erase (0, prefix.size());
    return name;
}

std::string roleWords (const wire::Stem& stem)
{
    if (stem.role == "candidate")
        return "take " + std::to_string (stem.index + 1);
    return stem.role;
}

} // namespace stemlasso::view
