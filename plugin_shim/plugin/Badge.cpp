#include "Badge.h"

namespace stemlasso
{

static constexpr int height = 24, dotLeft = 11, wordsLeft = 24, wordsRight = 10;
static constexpr float fontHeight = 12.5f, dotSize = 7;

bool Badge::show (const view::Line& newLine)
{
    if (newLine == line)
        return false;
    line = newLine;
    setTitle (fromUtf8 (line.text));
    setVisible (! line.text.empty());
    repaint();
    return true;
}

int Badge::widthOfWords() const
{
    return textWidth (font (fontHeight), fromUtf8 (line.text)) + wordsLeft + wordsRight;
}

void Badge::paint (juce::Graphics& g)
{
    const auto pill = getLocalBounds().withSizeKeepingCentre (getWidth(), height);
    const auto colour = colours::of (line.tone);
    g.setColour (colour.withAlpha (0.10f));
    g.fillRoundedRectangle (pill.toFloat(), height / 2.0f);
    g.setColour (colour);
    g.drawRoundedRectangle (pill.toFloat().reduced (0.5f), height / 2.0f, 1);
    g.fillEllipse (float (pill.getX() + dotLeft), float (pill.getCentreY()) - dotSize / 2, dotSize,
                   dotSize);
    g.setFont (font (fontHeight));
    g.drawText (fromUtf8 (line.text), pill.withTrimmedLeft (wordsLeft),
                juce::Justification::centredLeft);
}

std::unique_ptr<juce::AccessibilityHandler> Badge::createAccessibilityHandler()
{
    return accessible (*this, juce::AccessibilityRole::staticText);
}

} // namespace stemlasso
