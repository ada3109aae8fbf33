#include "Places.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace stemlasso::view
{

namespace
{
template <typename... Values>
std::string printed (const char* pattern, Values... values)
{
    char text[96];
    std::snprintf (text, sizeof (text), pattern, values...);
    return text;
}
} // namespace

std::string clockTime (double seconds, int decimals)
{
    if (! std::isfinite (seconds))
        return "-";
    const auto scale = std::llround (std::pow (10.0, decimals));
    const auto ticks = std::llround (std::abs (seconds) * double (scale));
    const auto whole = ticks / scale, part = ticks % scale;
    const auto hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
    std::string text = seconds < 0 && ticks > 0 ? "\u2212" : "";
    text += hours > 0 ? printed ("%lld:%02lld", hours, minutes) : printed ("%lld", minutes);
    text += printed (":%02lld", rest);
    if (decimals <= 0)
        return text;
    const auto digits = std::to_string (part + scale); // a 1 before them keeps their zeros
    return text + "." + digits.substr (1);
}

std::string shortDuration (double seconds)
{
    if (seconds < 10)
        return printed ("%.1f s", std::max (seconds, 0.0));
    return seconds < 90 ? printed ("%.0f s", seconds) : clockTime (seconds, 0);
}

std::string barAndBeat (const capture::MusicalTime& time)
{
    const auto perQuarter = time.denominator > 0 ? time.denominator / 4.0 : 1.0;
    const auto perBar = time.numerator > 0 ? time.numerator : 4;
    // Hundredths of a beat, rounded once, or beat 4.999 of a bar would be called its beat 5.
    const auto hundredths = std::max (std::llround (time.quarters * perQuarter * 100), 0LL);
    const auto bar = hundredths / (100LL * perBar), beat = hundredths % (100LL * perBar);
    if (beat % 100 == 0)
        return printed ("bar %lld, beat %lld", bar + 1, beat / 100 + 1);
    return printed ("bar %lld, beat %lld.%02lld", bar + 1, beat / 100 + 1, beat % 100);
}

std::string placeOnTimeline (std::optional<double> seconds,
                             const std::optional<capture::MusicalTime>& musical)
{
    if (! seconds)
        return musical ? barAndBeat (*musical) : std::string();
    const auto time = clockTime (*seconds);
    return musical && musical->beatsPerMinute > 0 ? barAndBeat (*musical) + " \u00b7 " + time
                                                  : time;
}

std::string format (double lengthSeconds, double sampleRate, int channels)
{
    const auto channelWords = channels == 1   ? std::string ("mono")
                              : channels == 2 ? std::string ("stereo")
                                              : std::to_string (channels) + " channels";
    return clockTime (lengthSeconds) + printed (" \u00b7 %g kHz \u00b7 ", sampleRate / 1000)
           + channelWords;
}

} // namespace stemlasso::view
