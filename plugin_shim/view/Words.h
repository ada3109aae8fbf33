#pragma once

// What the editor says of engine and job, in words, with what to do.

#include "wire/EngineLink.h"

namespace stemlasso::view
{

enum class Tone
{
    quiet,
    good,
    busy,
    warning,
    bad
};

/** One line for people. */
struct Line
{
    Tone tone = Tone::quiet;
    std::string text;

    bool operator== (const Line&) const = default;
};

/** The badge: how the engine stands, in two or three words. */
Line engineBadge (wire::LinkState);
/** Whether the link's own words tell more than its badge. */
bool saysMore (const wire::LinkView&, const Line& badge);
/** Whether a click may start an engine. */
bool canStart (wire::LinkState);
/** What the engine does in a stage. */
std::string stageWords (const std::string& stage);
/** What to do about a code of the protocol; empty where its message says all. */
std::string advice (const std::string& code);
/** `Dog barking is not here. Draw a span.`: a message with its advice. */
std::string sentence (const wire::Problem&);

/** How a clip's work stands. fraction: of the bar, below 0: none is shown. */
struct WorkState
{
    Line line;
    double fraction = -1;
    bool canCancel = false;

    bool operator== (const WorkState&) const = default;
};

WorkState workState (const wire::ErrandView&, const wire::LinkView&);
/** Whether target and residual add up to the clip, as the engine measured it; no text where it did not
    say so of these stems, or where there is no residual. */
Line nullBadge (const wire::ErrandView&, const std::vector<wire::Stem>& shown);
/** What hinders a separation, and empty where it can begin. */
std::string missing (const wire::Prompt&, bool hasClip);
/** The name of a stem's file without ending, and without the clip's name that it begins with. */
std::string shortName (const wire::Stem&, const std::string& clipName);
/** `target`, `residual` or `take 2`. */
std::string roleWords (const wire::Stem&);

} // namespace stemlasso::view
