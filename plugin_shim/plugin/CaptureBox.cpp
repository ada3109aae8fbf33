#include "CaptureBox.h"

#include "view/Places.h"

#include <juce_audio_basics/juce_audio_basics.h>

namespace stemlasso
{

static constexpr float fallPerTick = 0.86f, quietestDb = -60;

/** A wide button with a dot that is red while armed. */
class CaptureBox::Toggle final : public juce::ToggleButton
{
public:
    Toggle() : ToggleButton ("Capture") {}

    void show (bool isArmed, bool capturesNow)
    {
        setToggleState (isArmed, juce::dontSendNotification);
        if (std::exchange (isCapturing, capturesNow) != capturesNow)
            repaint();
    }

    void paintButton (juce::Graphics& g, bool isOver, bool isDown) override
    {
        const auto isOn = getToggleState();
        const auto box = getLocalBounds().toFloat().reduced (0.5f);
        g.setColour (isOn               ? colours::minus.withAlpha (isOver ? 0.32f : 0.24f)
                     : isOver || isDown ? colours::hover
                                        : colours::raised);
        g.fillRoundedRectangle (box, 7);
        g.setColour (isOn                       ? colours::minus
                     : hasKeyboardFocus (false) ? colours::accent
                                                : colours::line);
        g.drawRoundedRectangle (box, 7, 1);
        g.setFont (font (14, true));
        const auto label = isCapturing ? "Capturing" : isOn ? "Armed" : "Capture";
        const auto width = float (textWidth (font (14, true), label)) + 18;
        auto row = box.withSizeKeepingCentre (width, box.getHeight());
        g.setColour (colours::minus);
        g.fillEllipse (row.removeFromLeft (18).withSizeKeepingCentre (10, 10).translated (-4, 0));
        g.setColour (colours::text);
        g.drawText (label, row, juce::Justification::centredLeft);
    }

private:
    bool isCapturing = false;
};

CaptureBox::CaptureBox (bool withTransport)
    : toggle (std::make_unique<Toggle>()), hasTransport (withTransport)
{
    setComponentID ("take");
    toggle->setComponentID ("capture");
    toggle->setTitle ("Capture");
    toggle->setTooltip ("While this is on, what passes through the track is kept as a clip. It can "
                        "be automated.");
    toggle->onClick = [this]
    {
        if (onArm)
            onArm (toggle->getToggleState());
    };
    addAndMakeVisible (*toggle);
}

CaptureBox::~CaptureBox() = default;

void CaptureBox::show (bool newArmed, const std::optional<capture::Take>& newTake)
{
    const auto level = newTake ? std::max (newTake->level, meter * fallPerTick) : 0.0f;
    juce::String text;
    if (newTake && ! newTake->problem.empty())
        text = fromUtf8 (newTake->problem);
    else if (newTake)
    {
        const auto rate = std::max (newTake->sampleRate, 1.0);
        text = fromUtf8 (view::clockTime (double (newTake->samples) / rate, 1));
        if (newTake->musical)
            text << fromUtf8 (" from " + view::barAndBeat (*newTake->musical));
        if (newTake->droppedSamples > 0)
            text << ", with a gap of "
                 << fromUtf8 (view::shortDuration (double (newTake->droppedSamples) / rate));
    }
    else if (hasTransport)
        text = newArmed ? "Press Play in the DAW." : "Turn it on, then play.";
    else
        text = newArmed ? "No audio comes: choose a device in Options." : "Turn it on to begin.";
    setTitle (text);
    const auto hasNews = newArmed != isArmed || text != words || std::abs (level - meter) > 1e-4f;
    isArmed = newArmed;
    take = newTake;
    meter = level;
    words = text;
    toggle->show (isArmed, isArmed && take.has_value());
    if (hasNews)
        repaint();
}

std::unique_ptr<juce::AccessibilityHandler> CaptureBox::createAccessibilityHandler()
{
    return accessible (*this, juce::AccessibilityRole::group);
}

void CaptureBox::resized() { toggle->setBounds (getLocalBounds().removeFromTop (34)); }

void CaptureBox::paint (juce::Graphics& g)
{
    auto rest = getLocalBounds().withTrimmedTop (34 + 7);
    const auto bar = rest.removeFromTop (4).toFloat();
    g.setColour (colours::ground);
    g.fillRoundedRectangle (bar, 2);
    const auto db = juce::Decibels::gainToDecibels (meter, quietestDb);
    const auto share = (db - quietestDb) / -quietestDb;
    if (take && share > 0)
    {
        g.setColour (meter >= 1 ? colours::minus : db > -6 ? colours::warning : colours::plus);
        g.fillRoundedRectangle (bar.withWidth (bar.getWidth() * std::min (share, 1.0f)), 2);
    }
    const auto isBad = take && (! take->problem.empty() || take->droppedSamples > 0);
    g.setColour (isBad ? colours::warning : take ? colours::text : colours::dim);
    g.setFont (font (12));
    g.drawFittedText (words, rest.withTrimmedTop (3), juce::Justification::topLeft, 2, 0.9f);
}

} // namespace stemlasso
