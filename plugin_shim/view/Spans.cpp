#include "Spans.h"

#include <algorithm>
#include <cmath>

namespace stemlasso::view
{

std::optional<wire::Span> drawn (double fromSeconds, double toSeconds, bool here, double duration)
{
    const auto start = std::max (std::min (fromSeconds, toSeconds), 0.0);
    const auto end = std::min (std::max (fromSeconds, toSeconds), duration);
    if (start >= duration || end - start < std::min (shortestSpanSeconds, duration))
        return {};
    return wire::Span{ start, end, here };
}

wire::Span moved (wire::Span span, double bySeconds, double duration)
{
    const auto most = std::max (duration - span.endSeconds, -span.startSeconds);
    const auto by = std::min (std::max (bySeconds, -span.startSeconds), most);
    return { span.startSeconds + by, span.endSeconds + by, span.here };
}

wire::Span resized (wire::Span span, Part edge, double seconds, double duration)
{
    seconds = std::clamp (seconds, 0.0, std::max (duration, 0.0));
    if (edge == Part::start)
        span.startSeconds =
            std::max (std::min (seconds, span.endSeconds - shortestSpanSeconds), 0.0);
    else
        span.endSeconds =
            std::min (std::max (seconds, span.startSeconds + shortestSpanSeconds), duration);
    return span;
}

double snapped (double seconds, const std::vector<double>& targets, double reachSeconds)
{
    auto nearest = seconds;
    auto distance = reachSeconds;
    for (const auto target : targets)
        if (std::abs (target - seconds) <= distance)
        {
            nearest = target;
            distance = std::abs (target - seconds);
        }
    return nearest;
}

std::vector<double> snapTargets (const Spans& spans, int but, double duration)
{
    std::vector<double> targets{ 0.0, duration };
    for (std::size_t i = 0; i < spans.size(); ++i)
        if (int (i) != but)
        {
            targets.push_back (spans[i].startSeconds);
            targets.push_back (spans[i].endSeconds);
        }
    return targets;
}

bool isHidden (const Spans& spans, std::size_t index)
{
    const Spans later (spans.begin() + std::ptrdiff_t (index) + 1, spans.end());
    auto covered = spans[index].startSeconds;
    for (auto hasGrown = true; hasGrown && covered < spans[index].endSeconds;)
    {
        hasGrown = false;
        for (const auto& span : later)
            if (span.startSeconds <= covered && span.endSeconds > covered)
            {
                covered = span.endSeconds;
                hasGrown = true;
            }
    }
    return covered >= spans[index].endSeconds;
}

static std::optional<Part> partAt (const wire::Span& span, const TimeWindow& window, double x)
{
    const auto left = window.xOf (span.startSeconds), right = window.xOf (span.endSeconds);
    // The edges reach outwards, and inwards no further than a quarter, or nothing is left to move.
    const auto grip = std::min (gripPixels, std::max ((right - left) / 4, 1.0));
    if (left - gripPixels <= x && x <= left + grip)
        return Part::start;
    if (right - grip <= x && x <= right + gripPixels)
        return Part::end;
    if (left <= x && x <= right)
        return Part::body;
    return {};
}

std::optional<Hit> hitTest (const Spans& spans, int selected, const TimeWindow& window, double x)
{
    if (selected >= 0 && selected < int (spans.size()))
        if (const auto part = partAt (spans[std::size_t (selected)], window, x))
            return Hit{ selected, *part };
    for (auto i = int (spans.size()) - 1; i >= 0; --i)
        if (const auto part = partAt (spans[std::size_t (i)], window, x))
            return Hit{ i, *part };
    return {};
}

} // namespace stemlasso::view
