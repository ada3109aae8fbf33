#include "StemLane.h"

namespace stemlasso
{

static constexpr int wordsLeft = 30, dragPixels = 6;

StemLane::StemLane (const juce::String& id)
    : folder ("Show in folder", "Shows the file in its folder", IconButton::folder()),
      copy ("Copy path", "Copies the path of the file", IconButton::copy())
{
    setOpaque (true);
    setComponentID (id);
    folder.setComponentID (id + " folder");
    copy.setComponentID (id + " copy");
    setWantsKeyboardFocus (true);
    setMouseCursor (juce::MouseCursor::DraggingHandCursor);
    folder.onClick = [this] { juce::File (fromUtf8 (shown.stem.path)).revealToUser(); };
    copy.onClick = [this] { copyPath(); };
    for (auto* button : { &folder, &copy })
    {
        button->setMouseCursor (juce::MouseCursor::NormalCursor);
        addAndMakeVisible (button);
    }
    addAndMakeVisible (wave);
}

void StemLane::copyPath() const
{
    juce::SystemClipboard::copyTextToClipboard (fromUtf8 (shown.stem.path));
}

juce::Colour StemLane::colour() const
{
    return shown.stem.role == "target"     ? colours::target
           : shown.stem.role == "residual" ? colours::residual
                                           : colours::take;
}

void StemLane::show (const Shown& newShown)
{
    const auto hasNews = newShown.stem.path != shown.stem.path || newShown.place != shown.place
                         || newShown.name != shown.name || newShown.stem.role != shown.stem.role;
    shown = newShown;
    const auto rate = double (shown.stem.sampleRate);
    const auto length = rate > 0 ? double (shown.stem.samples) / rate : 0;
    wave.show (shown.picture, view::TimeWindow::whole (length, wave.getWidth()), rate, colour(),
               shown.picture.isUnreadable ? "This file is gone. Separate again." : "");
    if (! hasNews)
        return;
    setTitle (shown.name + ", " + fromUtf8 (view::roleWords (shown.stem)));
    setTooltip (shown.name + "\nDrag onto a track of the DAW"
                + (shown.place.isEmpty() ? juce::String (".") : ", to " + shown.place + "."));
    repaint();
}

void StemLane::resized()
{
    auto row = getLocalBounds().reduced (0, 1);
    row.removeFromRight (6);
    copy.setBounds (row.removeFromRight (28).withSizeKeepingCentre (28, 28));
    folder.setBounds (row.removeFromRight (28).withSizeKeepingCentre (28, 28));
    wave.setBounds (
        row.withTrimmedLeft (wordsLeft + wordsWidth()).withTrimmedRight (6).reduced (0, 4));
}

void StemLane::paint (juce::Graphics& g)
{
    g.fillAll (colours::ground);
    const auto box = getLocalBounds().reduced (0, 1);
    g.setColour (isMouseOver (true) || isDragging ? colours::hover : colours::raised);
    g.fillRoundedRectangle (box.toFloat(), 6);
    g.setColour (colour());
    g.fillRoundedRectangle (box.toFloat().withWidth (4), 2);
    if (hasKeyboardFocus (false))
    {
        g.setColour (colours::accent);
        g.drawRoundedRectangle (box.toFloat().reduced (0.5f), 6, 1);
    }
    g.setColour (colours::dim);
    for (int column = 0; column < 2; ++column)
        for (int row = -1; row <= 1; ++row)
            g.fillEllipse (12.0f + 5 * float (column),
                           float (box.getCentreY()) + 6 * float (row) - 1, 2.4f, 2.4f);
    auto words = box.withTrimmedLeft (wordsLeft).withWidth (wordsWidth() - 10).reduced (0, 4);
    g.setColour (colours::text);
    g.setFont (font (13.5f, true));
    g.drawText (shown.name, words.removeFromTop (words.getHeight() / 2),
                juce::Justification::centredLeft);
    g.setColour (colours::dim);
    g.setFont (font (11.5f));
    g.drawText (fromUtf8 (view::roleWords (shown.stem)), words, juce::Justification::centredLeft);
}

int StemLane::wordsWidth() const { return juce::jlimit (190, 420, getWidth() * 28 / 100); }

std::unique_ptr<juce::AccessibilityHandler> StemLane::createAccessibilityHandler()
{
    return accessible (*this, juce::AccessibilityRole::listItem);
}

void StemLane::mouseDrag (const juce::MouseEvent& event)
{
    if (isDragging || event.getDistanceFromDragStart() < dragPixels || ! onDrag)
        return;
    isDragging = true; // once per press: the system takes the pointer over
    onDrag (*this);
}

void StemLane::mouseUp (const juce::MouseEvent&)
{
    isDragging = false;
    repaint();
}

void StemLane::focusGained (FocusChangeType)
{
    repaint();
    if (onFocus)
        onFocus (*this);
}

bool StemLane::keyPressed (const juce::KeyPress& key)
{
    if (key != juce::KeyPress ('c', juce::ModifierKeys::commandModifier, 0))
        return false;
    copyPath();
    return true;
}

} // namespace stemlasso
