#pragma once

// The stretch of a clip that is on the screen: zoom and scroll that never leave the clip, and the
// way between seconds and pixels.

namespace stemlasso::view
{

struct TimeWindow
{
    double startSeconds = 0, endSeconds = 1;
    double durationSeconds = 1;
    double leastSeconds = 0.02; ///< on the screen at the closest zoom
    double width = 1;           ///< in pixels

    bool operator== (const TimeWindow&) const = default;

    double length() const { return endSeconds - startSeconds; }
    double secondsAt (double x) const { return startSeconds + x / width * length(); }
    double xOf (double seconds) const { return (seconds - startSeconds) / length() * width; }
    /** Seconds that so many pixels cover. */
    double secondsOf (double pixels) const { return pixels / width * length(); }

    /** All of a clip. */
    static TimeWindow whole (double durationSeconds, double width);
    /** Longer (factor > 1) or shorter; what lies at a time stays where it is. */
    TimeWindow zoomed (double factor, double atSeconds) const;
    TimeWindow scrolled (double bySeconds) const;
    TimeWindow withWidth (double pixels) const;
    /** For a clip that grows: goes on showing all of it when all of it was shown. */
    TimeWindow withDuration (double seconds) const;

private:
    TimeWindow placed (double start, double newLength) const;
};

/** The least round step of a clock that puts at most `most` lines into a span of seconds. */
double rulerStep (double spanSeconds, int most);

} // namespace stemlasso::view
