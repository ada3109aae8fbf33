#include "TimeWindow.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace stemlasso::view
{

TimeWindow TimeWindow::whole (double durationSeconds, double width)
{
    TimeWindow window;
    window.durationSeconds = window.endSeconds = std::max (durationSeconds, 1e-3);
    window.width = std::max (width, 1.0);
    return window;
}

TimeWindow TimeWindow::zoomed (double factor, double atSeconds) const
{
    const auto least = std::min (leastSeconds, durationSeconds);
    const auto longer = std::clamp (length() * factor, least, durationSeconds);
    const auto share = (atSeconds - startSeconds) / length();
    return placed (atSeconds - share * longer, longer);
}

TimeWindow TimeWindow::scrolled (double bySeconds) const
{
    return placed (startSeconds + bySeconds, length());
}

TimeWindow TimeWindow::withWidth (double pixels) const
{
    auto other = *this;
    other.width = std::max (pixels, 1.0);
    return other;
}

TimeWindow TimeWindow::withDuration (double seconds) const
{
    const auto showsAll = startSeconds <= 0 && endSeconds >= durationSeconds;
    auto other = *this;
    other.durationSeconds = std::max (seconds, 1e-3);
    return other.placed (startSeconds, showsAll ? other.durationSeconds : length());
}

TimeWindow TimeWindow::placed (double start, double newLength) const
{
    auto other = *this;
    newLength = std::min (newLength, durationSeconds);
    other.startSeconds = std::clamp (start, 0.0, durationSeconds - newLength);
    other.endSeconds = other.startSeconds + newLength;
    return other;
}

double rulerStep (double spanSeconds, int most)
{
    const auto least = spanSeconds / std::max (most, 1);
    if (least <= 1)
    {
        const auto power = std::pow (10.0, std::floor (std::log10 (std::max (least, 1e-9))));
        for (const auto base : { 1.0, 2.0, 5.0 })
            if (base * power >= least)
                return base * power;
        return 10 * power;
    }
    static constexpr double steps[] = { 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600 };
    const auto* found = std::find_if (std::begin (steps), std::end (steps),
                                      [least] (double step) { return step >= least; });
    return found != std::end (steps) ? *found : 7200;
}

} // namespace stemlasso::view
