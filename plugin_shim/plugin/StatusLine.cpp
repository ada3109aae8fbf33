#include "StatusLine.h"

namespace stemlasso
{

static constexpr int barHeight = 5, mostLines = 2;
static constexpr float fontHeight = 13, leastWidth = 0.9f;

StatusLine::StatusLine()
{
    setOpaque (true);
    setComponentID ("prompt");
}

void StatusLine::show (const view::Line& newLine, double newFraction)
{
    if (newLine == line && std::abs (newFraction - fraction) < 1e-4)
        return;
    // What ends a wait is said to whoever does not look; that it goes on is not.
    const auto isNews =
        newLine != line && newLine.tone != view::Tone::quiet && newLine.tone != view::Tone::busy;
    line = newLine;
    fraction = newFraction;
    setTitle (fromUtf8 (line.text));
    if (isNews)
        juce::AccessibilityHandler::postAnnouncement (
            getTitle(), juce::AccessibilityHandler::AnnouncementPriority::medium);
    showTooltip();
    repaint();
}

juce::String StatusLine::words() const
{
    auto text = fromUtf8 (line.text);
    if (fraction > 0)
        text << fromUtf8 ("  \u00b7  ") << juce::roundToInt (100 * fraction) << "%";
    return text;
}

juce::Rectangle<int> StatusLine::wordsArea() const
{
    return getLocalBounds().withTrimmedTop (fraction >= 0 ? barHeight + 3 : 0).withTrimmedLeft (2);
}

/** All of it, where it may have been cut. */
void StatusLine::showTooltip()
{
    const auto width = float (textWidth (font (fontHeight), words())) * leastWidth;
    const auto fits = width < float (wordsArea().getWidth() * mostLines) * 0.9f;
    setTooltip (fits ? juce::String() : words());
}

void StatusLine::paint (juce::Graphics& g)
{
    g.fillAll (colours::ground);
    if (fraction >= 0)
    {
        const auto bar = getLocalBounds().removeFromTop (barHeight).toFloat();
        g.setColour (colours::raised);
        g.fillRoundedRectangle (bar, 2.5f);
        g.setColour (colours::accent);
        const auto share = float (juce::jlimit (0.0, 1.0, fraction));
        g.fillRoundedRectangle (bar.withWidth (std::max (bar.getWidth() * share, 5.0f)), 2.5f);
    }
    g.setColour (line.tone == view::Tone::busy ? colours::text : colours::of (line.tone));
    g.setFont (font (fontHeight));
    g.drawFittedText (words(), wordsArea(), juce::Justification::centredLeft, mostLines,
                      leastWidth);
}

std::unique_ptr<juce::AccessibilityHandler> StatusLine::createAccessibilityHandler()
{
    return accessible (*this, juce::AccessibilityRole::staticText);
}

} // namespace stemlasso
