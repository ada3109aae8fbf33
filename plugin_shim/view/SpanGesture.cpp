#include "SpanGesture.h"

namespace stemlasso::view
{

SpanGesture::SpanGesture (Spans spans, double atSeconds, double duration)
    : before (std::move (spans)), after (before), start (atSeconds), durationSeconds (duration)
{
}

SpanGesture SpanGesture::draw (Spans spans, double atSeconds, bool here, double duration,
                               double reach)
{
    const auto targets = snapTargets (spans, -1, duration);
    SpanGesture gesture (std::move (spans), snapped (atSeconds, targets, reach), duration);
    gesture.isHere = here;
    return gesture;
}

SpanGesture SpanGesture::drag (Spans spans, Hit hit, double atSeconds, double duration)
{
    SpanGesture gesture (std::move (spans), atSeconds, duration);
    gesture.held = hit;
    gesture.current = hit.index;
    return gesture;
}

void SpanGesture::move (double seconds, double reach)
{
    after = before;
    const auto targets = snapTargets (before, held ? held->index : -1, durationSeconds);
    if (! held)
    {
        const auto to = snapped (seconds, targets, reach);
        const auto span = drawn (start, to, isHere, durationSeconds);
        current = -1;
        if (span && after.size() < mostSpans)
        {
            after.push_back (*span);
            current = int (after.size()) - 1;
        }
        return;
    }
    auto& span = after[std::size_t (held->index)];
    if (held->part != Part::body)
    {
        span = resized (span, held->part, snapped (seconds, targets, reach), durationSeconds);
        return;
    }
    auto by = seconds - start;
    const auto newStart = snapped (span.startSeconds + by, targets, reach);
    if (newStart != span.startSeconds + by)
        by = newStart - span.startSeconds;
    else
        by = snapped (span.endSeconds + by, targets, reach) - span.endSeconds;
    span = moved (span, by, durationSeconds);
}

} // namespace stemlasso::view
