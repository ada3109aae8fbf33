#pragma once

// What passes between the plug-in and the engine, as plain values. Times in seconds from a clip's
// start unless a name says otherwise; text is UTF-8. The fields are those of bridge/PROTOCOL.md.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stemlasso::wire
{

/** Where a clip lies on a timeline. */
struct Origin
{
    std::string host, project, track;
    std::optional<double> positionSeconds;
    std::optional<std::int64_t> positionSamples; ///< at the clip's rate; exact where both are there
    std::optional<double> tempoBpm{}; ///< of the timeline, where the clip runs in step with it

    bool operator== (const Origin&) const = default;
};

/** What the plug-in offers: a file that stays where it is. */
struct ClipSource
{
    std::string path; ///< absolute
    std::string name; ///< for people
    Origin origin;

    bool operator== (const ClipSource&) const = default;
};

struct Clip
{
    std::string clipId, name, path;
    std::int64_t sampleRate = 0, channels = 0, samples = 0;
    Origin origin;
};

/** A stretch of the clip in which the sound is (here) or is not. */
struct Span
{
    double startSeconds = 0, endSeconds = 0;
    bool here = true;

    bool operator== (const Span&) const = default;
};

struct Prompt
{
    std::string description;
    std::vector<Span> spans;

    bool operator== (const Prompt&) const = default;
};

/** Does only a selection anew; the rest of the target stays that of an earlier job. */
struct Rerun
{
    std::string baseJobId; ///< a job of the same clip that is over
    double startSeconds = 0, endSeconds = 0;

    bool operator== (const Rerun&) const = default;
};

struct JobOptions
{
    std::string separator = "auto", quality = "standard";
    int candidates = 1;
    std::uint32_t seed = 0;
    std::string stereo = "project", residual = "exact";
    double presenceGate = 0.5;
    std::string outputFolder; ///< absolute, for copies of the stems; empty: the store only
    bool allowOverwrite = false;
    std::optional<Rerun> rerun; ///< none: all of the clip

    bool operator== (const JobOptions&) const = default;
};

/** An error or a notice: a stable code, and words for people. */
struct Problem
{
    std::string code, message;
};

struct Stem
{
    std::string role; ///< target, residual or candidate
    std::string name, path;
    std::int64_t index = 0, sampleRate = 0, channels = 0, samples = 0;
    std::optional<double> score;
};

enum class JobState
{
    queued,
    running,
    done,
    failed,
    cancelled
};

struct Progress
{
    std::string stage;
    double fraction = 0;
    std::optional<double> secondsLeft;
};

struct JobResult
{
    std::vector<Stem> stems; ///< target, residual, then other takes, best first
    std::string manifestPath, folder, separator;
    double confidence = 1;
    std::optional<double> nullDb; ///< none: target + residual is the clip to the last bit
    std::vector<Problem> notices;
};

struct Job
{
    std::string jobId, clipId;
    JobState state = JobState::queued;
    Progress progress;
    std::optional<Problem> error;
    std::optional<JobResult> result;

    bool isFinal() const
    {
        return state == JobState::done || state == JobState::failed || state == JobState::cancelled;
    }
};

} // namespace stemlasso::wire
