#pragma once

// Spans as the user draws them: functions over values, in seconds. They behave as in the panel.

#include "TimeWindow.h"
#include "wire/Values.h"

namespace stemlasso::view
{

using Spans = std::vector<wire::Span>;

constexpr double shortestSpanSeconds = 0.01; ///< a span is never drawn shorter
constexpr std::size_t mostSpans = 256;       ///< as many as the wire takes
constexpr double gripPixels = 6;             ///< how far an edge reaches

enum class Part
{
    start,
    body,
    end
};

/** What is under the pointer. */
struct Hit
{
    int index = 0;
    Part part = Part::body;

    bool operator== (const Hit&) const = default;
};

/** The span of a drag from one time to another, cut to the clip; none when nothing is left. */
std::optional<wire::Span> drawn (double fromSeconds, double toSeconds, bool here, double duration);
/** Shifted, its length kept, never beyond the clip. */
wire::Span moved (wire::Span, double bySeconds, double duration);
/** With its start or end at a time; the other edge stays. */
wire::Span resized (wire::Span, Part edge, double seconds, double duration);
/** The nearest of `targets` within reach, otherwise the time itself. */
double snapped (double seconds, const std::vector<double>& targets, double reachSeconds);
/** Times that edges snap to: those of all spans but one, and the clip's ends. */
std::vector<double> snapTargets (const Spans&, int but, double duration);
/** Whether later spans cover this one altogether, so that it says nothing. */
bool isHidden (const Spans&, std::size_t index);
/** The topmost span at a pixel; the selected one comes first. */
std::optional<Hit> hitTest (const Spans&, int selected, const TimeWindow&, double x);

} // namespace stemlasso::view
