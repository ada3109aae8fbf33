#include "EngineBar.h"

namespace stemlasso
{

static constexpr int nameWidth = 96;

EngineBar::EngineBar()
{
    badge.show (view::engineBadge (link.state));
    addAndMakeVisible (badge);
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
    badge.show (view::engineBadge (link.state));
    start.setVisible (view::canStart (link.state));
    auto words = fromUtf8 (link.words);
    if (! link.serverVersion.empty())
        words << (words.isEmpty() ? "" : "\n") << "Engine " << fromUtf8 (link.serverVersion);
    setTooltip (words);
    badge.setTooltip (words);
    setTitle (badge.getTitle());
    resized();
    repaint();
}

std::unique_ptr<juce::AccessibilityHandler> EngineBar::createAccessibilityHandler()
{
    return accessible (*this, juce::AccessibilityRole::group);
}

void EngineBar::resized()
{
    auto row = getLocalBounds().reduced (12, 8);
    panel.setBounds (row.removeFromRight (104));
    row.removeFromLeft (nameWidth);
    badge.setBounds (row.removeFromLeft (badge.widthOfWords()));
    row.removeFromLeft (10);
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
    const auto said = view::engineBadge (link.state);
    if (view::saysMore (link, said) && said.tone != view::Tone::good)
    {
        row.setLeft ((start.isVisible() ? start.getRight() : badge.getRight()) + 12);
        row.setRight (panel.getX() - 10);
        g.setColour (colours::dim);
        g.drawFittedText (fromUtf8 (link.words), row, juce::Justification::centredLeft, 2, 0.9f);
    }
}

} // namespace stemlasso
