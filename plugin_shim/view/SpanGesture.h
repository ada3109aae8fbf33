#pragma once

// What a drag over the waveform does, from press to release: draws a span, moves one, or moves one
// of its edges. Nothing is committed before it ends; giving it up leaves no trace.

#include "Spans.h"

namespace stemlasso::view
{

class SpanGesture
{
public:
    /** reach: how near an edge must come to snap, in seconds; 0: it does not. */
    static SpanGesture draw (Spans, double atSeconds, bool here, double duration, double reach);
    static SpanGesture drag (Spans, Hit, double atSeconds, double duration);

    void move (double seconds, double reach);

    /** As they would be if it ended now. */
    const Spans& spans() const { return after; }
    const Spans& spansBefore() const { return before; }
    /** The one that is drawn or dragged, -1: nothing is drawn yet. */
    int index() const { return current; }
    bool hasChanged() const { return after != before; }

private:
    SpanGesture (Spans, double atSeconds, double duration);

    Spans before, after;
    std::optional<Hit> held;
    double start, durationSeconds;
    bool isHere = true;
    int current = -1;
};

} // namespace stemlasso::view
