// What the editor decides without a window.

#include "view/Peaks.h"
#include "view/Places.h"
#include "view/SpanGesture.h"
#include "view/Words.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <thread>

using namespace stemlasso;
using namespace stemlasso::view;

static TimeWindow tenSeconds() { return TimeWindow::whole (10, 1000); }

TEST_CASE ("seconds and pixels are each other's inverse, and zoom keeps what is under the pointer")
{
    auto window = tenSeconds();
    for (const auto x : { 0.0, 17.0, 500.0, 1000.0 })
        CHECK (window.xOf (window.secondsAt (x)) == Approx (x));
    const auto closer = window.zoomed (0.5, 2.0);
    CHECK (closer.length() == Approx (5));
    CHECK (closer.xOf (2.0) == Approx (window.xOf (2.0)));
    CHECK (closer.zoomed (1e-9, 2.0).length() == Approx (window.leastSeconds));
    CHECK (closer.zoomed (1e9, 2.0) == window);
    CHECK (closer.scrolled (-100).startSeconds == 0);
    CHECK (closer.scrolled (100).endSeconds == Approx (10));
}

TEST_CASE ("a clip that grows stays on the screen as a whole, or as it was zoomed")
{
    CHECK (tenSeconds().withDuration (12).endSeconds == Approx (12));
    const auto closer = tenSeconds().zoomed (0.1, 5);
    const auto later = closer.withDuration (12);
    CHECK (later.startSeconds == Approx (closer.startSeconds));
    CHECK (later.length() == Approx (closer.length()));
    CHECK (TimeWindow::whole (0, 0).xOf (0) == 0);
}

TEST_CASE ("the null is said of the stems that it was measured of, and of no others")
{
    const auto stem = [] (const char* role, const char* path)
    {
        wire::Stem made;
        made.role = role;
        made.path = path;
        return made;
    };
    const std::vector<wire::Stem> stems{ stem ("target", "/a"), stem ("residual", "/b") };
    const std::vector<wire::Stem> none, alone{ stems.front() },
        others{ stem ("target", "/c"), stems.back() };
    wire::ErrandView errand;
    CHECK (nullBadge (errand, stems).text.empty());
    errand.job.emplace().result.emplace().stems = stems;
    CHECK (nullBadge (errand, stems).text == "null: exact");
    CHECK (nullBadge (errand, stems).tone == Tone::good);
    errand.job->result->nullDb = -91.7;
    CHECK (nullBadge (errand, stems).text == "null: -92 dB");
    CHECK (nullBadge (errand, none).text.empty());
    CHECK (nullBadge (errand, alone).text.empty());
    CHECK (nullBadge (errand, others).text.empty());
}

TEST_CASE ("the link's words are said where they tell more than the badge")
{
    wire::LinkView link;
    link.state = wire::LinkState::absent;
    link.words = "the engine is not running";
    CHECK_FALSE (saysMore (link, engineBadge (link.state)));
    link.words = "It ended with status 23.";
    CHECK (saysMore (link, engineBadge (link.state)));
    link.words.clear();
    CHECK_FALSE (saysMore (link, engineBadge (link.state)));
}

TEST_CASE ("the ruler's steps are round and never too many")
{
    for (const auto span : { 0.003, 0.02, 0.7, 1.0, 9.0, 61.0, 600.0, 7300.0 })
        CHECK (span / rulerStep (span, 8) <= 8.0001);
    CHECK (rulerStep (10, 10) == Approx (1));
    CHECK (rulerStep (100, 8) == Approx (15));
}

TEST_CASE ("a drawn span is cut to the clip, and a click draws none")
{
    CHECK (*drawn (4, 2, true, 10) == wire::Span{ 2, 4, true });
    CHECK (*drawn (-1, 20, false, 10) == wire::Span{ 0, 10, false });
    CHECK (! drawn (3, 3.001, true, 10));
    CHECK (! drawn (11, 12, true, 10));
}

TEST_CASE ("a span keeps its length when it is moved against an end, and never turns inside out")
{
    const wire::Span span{ 2, 5, true };
    CHECK (moved (span, 100, 10) == wire::Span{ 7, 10, true });
    CHECK (moved (span, -100, 10) == wire::Span{ 0, 3, true });
    CHECK (resized (span, Part::start, 9, 10).startSeconds == Approx (5 - shortestSpanSeconds));
    CHECK (resized (span, Part::end, 1, 10).endSeconds == Approx (2 + shortestSpanSeconds));
    CHECK (resized (span, Part::end, 99, 10).endSeconds == 10);
}

TEST_CASE ("edges are taken outside and inside, the body between them, the selected span first")
{
    const Spans spans{ { 1, 3, true }, { 2, 4, false } };
    const auto window = tenSeconds();
    CHECK (hitTest (spans, -1, window, 95) == Hit{ 0, Part::start });
    CHECK (hitTest (spans, -1, window, 150) == Hit{ 0, Part::body });
    CHECK (hitTest (spans, -1, window, 250) == Hit{ 1, Part::body });
    CHECK (hitTest (spans, 0, window, 250) == Hit{ 0, Part::body });
    CHECK (hitTest (spans, -1, window, 404) == Hit{ 1, Part::end });
    CHECK (! hitTest (spans, -1, window, 500));
    // Of a narrow one something is left to move.
    CHECK (hitTest ({ { 5, 5.08, true } }, -1, window, 504) == Hit{ 0, Part::body });
}

TEST_CASE ("a span that later ones cover says nothing")
{
    CHECK (isHidden ({ { 1, 3, true }, { 0, 2, false }, { 2, 4, true } }, 0));
    CHECK (! isHidden ({ { 1, 3, true }, { 0, 2, false }, { 2.5, 4, true } }, 0));
    CHECK (! isHidden ({ { 0, 4, false }, { 1, 3, true } }, 1));
}

TEST_CASE ("a gesture shows what it would do and can be given up")
{
    const Spans before{ { 2, 4, true } };
    auto gesture = SpanGesture::draw (before, 6, false, 10, 0);
    gesture.move (7, 0);
    CHECK (gesture.spans() == Spans{ { 2, 4, true }, { 6, 7, false } });
    CHECK (gesture.index() == 1);
    gesture.move (6, 0);
    CHECK (! gesture.hasChanged());
    CHECK (gesture.index() == -1);
    CHECK (gesture.spansBefore() == before);
}

TEST_CASE ("edges snap to other spans and to the clip's ends, within reach only")
{
    const Spans before{ { 2, 4, true } };
    auto draw = SpanGesture::draw (before, 4.05, true, 10, 0.1);
    draw.move (9.95, 0.1);
    CHECK (draw.spans().back() == wire::Span{ 4, 10, true });
    draw.move (9.8, 0.1);
    CHECK (draw.spans().back() == wire::Span{ 4, 9.8, true });

    const Spans two{ { 2, 4, true }, { 6, 7, false } };
    auto drag = SpanGesture::drag (two, { 1, Part::body }, 6.5, 10);
    drag.move (4.55, 0.1); // its start would be at 4.05
    CHECK (drag.spans()[1].startSeconds == Approx (4));
    CHECK (drag.spans()[1].endSeconds == Approx (5));
    drag.move (1.45, 0.1); // its end would be at 1.95
    CHECK (drag.spans()[1].endSeconds == Approx (2));
    auto edge = SpanGesture::drag (two, { 0, Part::end }, 4, 10);
    edge.move (5.95, 0.1);
    CHECK (edge.spans()[0].endSeconds == Approx (6));
}

TEST_CASE ("no more spans than the wire takes")
{
    Spans many (mostSpans, { 1, 2, true });
    auto gesture = SpanGesture::draw (many, 3, true, 10, 0);
    gesture.move (4, 0);
    CHECK (! gesture.hasChanged());
}

TEST_CASE ("times read as a clock")
{
    CHECK (clockTime (62.5) == "1:02.500");
    CHECK (clockTime (3600) == "1:00:00.000");
    CHECK (clockTime (59.9996) == "1:00.000");
    CHECK (clockTime (-1, 0) == "\u22120:01");
    CHECK (clockTime (std::numeric_limits<double>::quiet_NaN()) == "-");
    CHECK (shortDuration (3.21) == "3.2 s");
    CHECK (shortDuration (220) == "3:40");
    CHECK (format (10, 44100, 2) == "0:10.000 \u00b7 44.1 kHz \u00b7 stereo");
}

TEST_CASE ("bars and beats count from one, in the signature's own beats")
{
    CHECK (barAndBeat ({ 0, 120, 4, 4 }) == "bar 1, beat 1");
    CHECK (barAndBeat ({ 16, 120, 4, 4 }) == "bar 5, beat 1");
    CHECK (barAndBeat ({ 17.25, 120, 4, 4 }) == "bar 5, beat 2.25");
    CHECK (barAndBeat ({ 15.9999, 120, 4, 4 }) == "bar 5, beat 1");
    CHECK (barAndBeat ({ 3, 120, 6, 8 }) == "bar 2, beat 1");
    CHECK (barAndBeat ({ 3.5, 120, 6, 8 }) == "bar 2, beat 2");
    CHECK (barAndBeat ({ -0.074, 120, 4, 4 }) == "bar 1, beat 1");
    CHECK (barAndBeat ({ 5, 120, 0, 0 }) == "bar 2, beat 2");
    CHECK (placeOnTimeline (8.0, capture::MusicalTime{ 16, 120, 4, 4 })
           == "bar 5, beat 1 \u00b7 0:08.000");
    CHECK (placeOnTimeline (8.0, {}) == "0:08.000");
    CHECK (placeOnTimeline ({}, {}).empty());
}

static wire::Job job (wire::JobState state)
{
    wire::Job made;
    made.state = state;
    return made;
}

TEST_CASE ("every state of a job is said in words")
{
    const wire::LinkView connected{ wire::LinkState::connected, {}, {} };
    wire::ErrandView errand;
    CHECK (workState (errand, connected) == WorkState{});

    errand.job = job (wire::JobState::running);
    errand.job->progress = { "spot", 0.4, 12.0 };
    const auto running = workState (errand, connected);
    CHECK (running.line.text == "Finding the places \u00b7 12 s left");
    CHECK (running.fraction == 0.4);
    CHECK (running.canCancel);

    errand.job = job (wire::JobState::failed);
    errand.job->error = wire::Problem{ "disk_full", "No space in /there" };
    const auto failed = workState (errand, connected);
    CHECK (failed.line
           == Line{ Tone::bad, "No space in /there. Free some disk space, then try again." });
    CHECK (! failed.canCancel);

    errand.job = job (wire::JobState::done);
    errand.job->result.emplace();
    CHECK (workState (errand, connected).line.tone == Tone::good);
    errand.job->result->confidence = 0.2;
    CHECK (workState (errand, connected).line.tone == Tone::warning);
    errand.job->result->notices.push_back ({ "any", "It was hardly there." });
    CHECK (workState (errand, connected).line.text == "Done, 20% sure. It was hardly there.");
}

TEST_CASE ("what waits while the engine is away says so, and can be given up")
{
    wire::ErrandView errand;
    errand.isWaiting = true;
    for (const auto state : { wire::LinkState::absent, wire::LinkState::starting,
                              wire::LinkState::silent, wire::LinkState::refused })
    {
        const auto said = workState (errand, { state, {}, {} });
        CHECK (said.line.text.find ("Waits for the engine") == 0);
        CHECK (said.canCancel);
    }
    errand.isWaiting = false;
    errand.job = job (wire::JobState::running);
    CHECK (workState (errand, { wire::LinkState::absent, {}, {} }).line.tone == Tone::warning);
    CHECK (canStart (wire::LinkState::absent));
    CHECK (! canStart (wire::LinkState::connected));
}

TEST_CASE ("what is missing for a separation is what to do next")
{
    CHECK (missing ({}, false).find ("Capture") == 0);
    CHECK (missing ({ "  \t", {} }, true).find ("Describe") == 0);
    CHECK (missing ({ "dog", {} }, true).empty());
    CHECK (missing ({ "", { { 1, 2, true } } }, true).empty());
}

TEST_CASE ("a stem's name is short beside its clip")
{
    const auto named = [] (const char* name)
    {
        wire::Stem stem;
        stem.name = name;
        return shortName (stem, "Song");
    };
    CHECK (named ("Song - dog barking.wav") == "dog barking");
    CHECK (named ("Song - a.b residual") == "a.b residual");
    CHECK (named ("Song - ") == "Song - ");
    CHECK (named (".wav") == ".wav");
}

TEST_CASE ("peaks hold every sample at every scale")
{
    constexpr int count = 300000, loud = 123456;
    std::vector<float> left (count, 0.1f), right (count, -0.1f);
    left[loud] = 0.9f;
    const float* both[] = { left.data(), right.data() };
    Peaks peaks (2);
    for (int from = 0; from < count;)
    {
        const auto some = std::min (777, count - from);
        const float* part[] = { both[0] + from, both[1] + from };
        peaks.append (part, some);
        from += some;
    }
    CHECK (peaks.samples() == count);
    CHECK (peaks.loudest() == Approx (0.9));
    for (const auto columns : { 1, 10, 500, 4000 })
    {
        const auto found = peaks.columns (0, 0, count, columns);
        const auto& column = found[std::size_t (double (loud) / count * columns)];
        CHECK (column.high == Approx (0.9).margin (1e-4));
        CHECK (peaks.columns (1, 0, count, columns)[0].low == Approx (-0.1).margin (1e-4));
    }
    CHECK (peaks.columns (0, 2.0 * count, 3.0 * count, 4)[0].high == 0);
}

TEST_CASE ("peaks take what is no number, and can be read while they grow")
{
    Peaks peaks (1);
    std::vector<float> samples (4096, std::numeric_limits<float>::quiet_NaN());
    samples[5] = 7;
    std::thread writer (
        [&]
        {
            const float* input[] = { samples.data() };
            for (int i = 0; i < 50; ++i)
                peaks.append (input, int (samples.size()));
        });
    for (int i = 0; i < 50; ++i)
        for (const auto& each : peaks.columns (0, 0, 4096 * 50, 100))
            CHECK (std::abs (each.high) <= 1);
    writer.join();
    CHECK (peaks.samples() == 4096 * 50);
    CHECK (peaks.loudest() == 1);
}
