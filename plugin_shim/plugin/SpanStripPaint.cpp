// How the span strip looks.

#include "Look.h"
#include "SpanStrip.h"
#include "view/Places.h"

namespace stemlasso
{

static constexpr float tagSize = 18;

void SpanStrip::paint (juce::Graphics& g)
{
    g.fillAll (wave.isVisible() ? colours::panel : colours::ground);
    if (! wave.isVisible())
        paintSteps (g);
    else if (shown.lengthSeconds > 0)
        paintRuler (g);
}

void SpanStrip::paintSteps (juce::Graphics& g) const
{
    const auto box = getLocalBounds().toFloat().reduced (0.5f);
    g.setColour (colours::canvas);
    g.fillRoundedRectangle (box, 8);
    const float dashes[] = { 5, 5 };
    juce::Path outline, dashed;
    outline.addRoundedRectangle (box.reduced (8), 8);
    juce::PathStrokeType (1.2f).createDashedStroke (dashed, outline, dashes, 2);
    g.setColour (colours::line.brighter (0.25f));
    g.fillPath (dashed);
    constexpr int rowHeight = 28, blockWidth = 410;
    auto block =
        getLocalBounds().withSizeKeepingCentre (blockWidth, rowHeight * shown.steps.size() + 38);
    g.setColour (colours::text);
    g.setFont (font (18, true));
    g.drawText ("Hear one sound alone", block.removeFromTop (38), juce::Justification::topLeft);
    for (int i = 0; i < shown.steps.size(); ++i)
    {
        auto row = block.removeFromTop (rowHeight);
        const auto number = row.removeFromLeft (30).toFloat().withSizeKeepingCentre (20, 20);
        g.setColour (colours::accent.withAlpha (0.16f));
        g.fillEllipse (number.translated (-5, 0));
        g.setColour (colours::accent);
        g.setFont (font (12, true));
        g.drawText (juce::String (i + 1), number.translated (-5, 0), juce::Justification::centred);
        g.setColour (colours::text.withAlpha (0.85f));
        g.setFont (font (13.5f));
        g.drawText (shown.steps[i], row, juce::Justification::centredLeft);
    }
}

void SpanStrip::paintRuler (juce::Graphics& g) const
{
    const auto step = view::rulerStep (window.length(), std::max (getWidth() / 90, 1));
    const auto decimals = step >= 1 ? 0 : int (std::ceil (-std::log10 (step) - 1e-9));
    g.setFont (font (11.5f));
    for (auto i = std::int64_t (std::ceil (window.startSeconds / step - 1e-9));
         double (i) * step <= window.endSeconds; ++i)
    {
        const auto x = float (window.xOf (double (i) * step));
        g.setColour (colours::line.brighter (0.15f));
        g.fillRect (x, float (rulerHeight) - 5, 1.0f, 5.0f);
        g.setColour (colours::dim);
        const auto label = fromUtf8 (view::clockTime (double (i) * step, decimals));
        const auto box = juce::Rectangle<float> (x - 40, 0, 80, float (rulerHeight) - 4);
        // At the ends beside its line, not cut off.
        const auto isFirst = box.getX()<0, isLast = box.getRight()> float (getWidth());
        g.drawText (label,
                    isFirst  ? box.withX (x + 3)
                    : isLast ? box.withX (x - 83)
                             : box,
                    isFirst  ? juce::Justification::centredLeft
                    : isLast ? juce::Justification::centredRight
                             : juce::Justification::centred);
    }
}

void SpanStrip::paintOverChildren (juce::Graphics& g)
{
    if (! wave.isVisible())
        return;
    const auto& spans = gesture ? gesture->spans() : shown.spans;
    const auto marked = gesture ? gesture->index() : selected;
    for (int i = 0; i < int (spans.size()); ++i)
        if (i != marked)
            paintSpan (g, spans, i, i == hovered);
    if (marked >= 0 && marked < int (spans.size()))
        paintSpan (g, spans, marked, true);
    if (window.length() < window.durationSeconds)
    {
        const auto toX = float (getWidth() / window.durationSeconds);
        g.setColour (colours::dim.withAlpha (0.8f));
        g.fillRoundedRectangle (float (window.startSeconds) * toX, float (getHeight()) - 4,
                                std::max (float (window.length()) * toX, 12.0f), 3, 1.5f);
    }
    g.setColour (hasKeyboardFocus (false) ? colours::accent : colours::line);
    g.drawRect (wave.getBounds(), 1);
}

static void paintHatch (juce::Graphics& g, juce::Rectangle<float> box, juce::Colour colour)
{
    const juce::Graphics::ScopedSaveState state (g);
    g.reduceClipRegion (box.toNearestInt());
    g.setColour (colour);
    // From a fixed place, so that the pattern does not crawl while an edge is dragged.
    const auto height = box.getHeight();
    const auto first = std::floor ((box.getX() - height) / 9) * 9;
    for (auto x = first; x < box.getRight(); x += 9)
        g.drawLine (x, box.getBottom(), x + height, box.getY(), 1);
}

void SpanStrip::paintSpan (juce::Graphics& g, const view::Spans& spans, int index,
                           bool isMarked) const
{
    const auto& span = spans[size_t (index)];
    const auto left = float (window.xOf (span.startSeconds));
    const auto right = float (window.xOf (span.endSeconds));
    if (right < 0 || left > float (getWidth()))
        return;
    const auto area = wave.getBounds().toFloat();
    const auto box =
        juce::Rectangle<float> (left, area.getY(), std::max (right - left, 1.0f), area.getHeight());
    const auto seen = box.getIntersection (area);
    const auto isCovered = view::isHidden (spans, size_t (index));
    const auto colour = span.here ? colours::plus : colours::minus;
    g.setColour (colour.withAlpha (isCovered ? 0.04f : isMarked ? 0.24f : 0.12f));
    g.fillRect (seen);
    if (! span.here)
        paintHatch (g, seen, colour.withAlpha (isCovered ? 0.1f : 0.28f));
    g.setColour (colour.withAlpha (isCovered ? 0.5f : 1.0f));
    const auto isSelected = index == (gesture ? gesture->index() : selected);
    const auto width = isSelected ? 2.0f : 1.0f;
    g.fillRect (left, box.getY(), width, box.getHeight());
    g.fillRect (right - width, box.getY(), width, box.getHeight());
    if (seen.getWidth() < tagSize)
        return;
    // A flag with the sign: the meaning does not rest on the colour alone.
    const juce::Rectangle<float> tag (std::max (left, 0.0f), box.getY(), tagSize, tagSize);
    g.setColour (colour.withAlpha (isCovered ? 0.45f : 0.92f));
    g.fillRect (tag);
    g.setColour (colours::canvas);
    const auto bar = tag.withSizeKeepingCentre (10, 2);
    g.fillRect (bar);
    if (span.here)
        g.fillRect (bar.withSizeKeepingCentre (2, 10));
}

} // namespace stemlasso
