#include "EngineBar.h"

namespace stemlasso
{

static constexpr int nameWidth = 96;

EngineBar::EngineBar() : badge (view::engineBadge (link.state))
{
    setOpaque (true);
    start.setComponentID ("start");
    start.setTooltip ("Starts the engine on this computer. It goes on when the DAW is closed.");
    start.onClick = [this]
    {
        if (onStart)
            onStart();
    };
    makePrimary (start);
    addChildComponent (start);
    panel.setComponentID ("panel");
    panel.setTooltip ("Opens the big window with this clip: spectrogram, listening, more options.");
    panel.onClick = [this]
    {
        if (onPanel)
            onPanel();
    };
    addAndMakeVisible (panel);
}

void EngineBar::show (const wire::LinkView& newLink)
{
    if (newLink.state == link.state && newLink.words == link.words
        && newLink.serverVersion == link.serverVersion)
        return;
    link = newLink;
    badge = view::engineBadge (link.state);
    start.setVisible (view::canStart (link.state));
    auto words = fromUtf8 (link.words);
    if (! link.serverVersion.empty())
        words << (words.isEmpty() ? "" : "\n") << "Engine " << fromUtf8 (link.serverVersion);
    setTooltip (words);
    setTitle (fromUtf8 (badge.text));
    resized();
    repaint();
}

std::unique_ptr<juce::AccessibilityHandler> EngineBar::createAccessibilityHandler()
{
    return accessible (*this, juce::AccessibilityRole::group);
}

int EngineBar::badgeWidth() const { return textWidth (font (12.5f), fromUtf8 (badge.text)) + 34; }

void EngineBar::resized()
{
    auto row = getLocalBounds().reduced (12, 8);
    panel.setBounds (row.removeFromRight (104));
    row.removeFromLeft (nameWidth + badgeWidth() + 10);
    start.setBounds (row.removeFromLeft (116));
}

void EngineBar::paint (juce::Graphics& g)
{
    g.fillAll (colours::panel);
    g.setColour (colours::line);
    g.fillRect (getLocalBounds().removeFromBottom (1));
    auto row = getLocalBounds().reduced (12, 0);
    g.setColour (colours::text);
    g.setFont (font (16, true));
    g.drawText ("StemLasso", row.removeFromLeft (nameWidth), juce::Justification::centredLeft);
    const auto pill = row.removeFromLeft (badgeWidth()).withSizeKeepingCentre (badgeWidth(), 24);
    const auto colour = colours::of (badge.tone);
    g.setColour (colour.withAlpha (0.10f));
    g.fillRoundedRectangle (pill.toFloat(), 12);
    g.setColour (colour);
    g.drawRoundedRectangle (pill.toFloat().reduced (0.5f), 12, 1);
    g.fillEllipse (float (pill.getX()) + 11, float (pill.getCentreY()) - 3.5f, 7, 7);
    g.setFont (font (12.5f));
    g.drawText (fromUtf8 (badge.text), pill.withTrimmedLeft (24), juce::Justification::centredLeft);
    if (view::saysMore (link, badge) && badge.tone != view::Tone::good)
    {
        row.setLeft (start.isVisible() ? start.getRight() + 12 : pill.getRight() + 12);
        row.setRight (panel.getX() - 10);
        g.setColour (colours::dim);
        g.drawFittedText (fromUtf8 (link.words), row, juce::Justification::centredLeft, 2, 0.9f);
    }
}

} // namespace stemlasso
