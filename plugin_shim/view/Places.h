#pragma once

// Times and places on a timeline as people read them.

#include "capture/Recorder.h"

namespace stemlasso::view
{

/** `1:02.500`, or `1:00:02.500` from an hour on. */
std::string clockTime (double seconds, int decimals = 3);
/** `3.2 s`, `12 s`, `3:40` or `1:02:00`: a length at a glance. */
std::string shortDuration (double seconds);
/** `bar 5, beat 1`, or `bar 5, beat 2.25` between beats. A place before the first bar is its
    beginning, as takes are clamped to it. */
std::string barAndBeat (const capture::MusicalTime&);
/** Where a stem belongs: `bar 5, beat 1 · 0:08.000`, the time alone without a tempo, empty where
    the place is not known. */
std::string placeOnTimeline (std::optional<double> seconds,
                             const std::optional<capture::MusicalTime>&);
/** `0:10.000 · 48 kHz · stereo`. */
std::string format (double lengthSeconds, double sampleRate, int channels);

} // namespace stemlasso::view
