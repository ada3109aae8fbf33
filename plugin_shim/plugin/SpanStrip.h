#pragma once

// The waveform of the clip with its spans over it. Left drag: a "+" span; with Alt or with the
// right button: a "−" span. Wheel: zoom at the pointer; with Shift or sideways: scroll. The keys are
// those of the panel.

#include "WavePicture.h"
#include "view/SpanGesture.h"

namespace stemlasso
{

class SpanStrip final : public juce::Component, public juce::SettableTooltipClient
{
public:
    struct Shown
    {
        juce::String key; ///< another one: another clip, which is shown as a whole
        PeakLoader::Picture picture;
        double lengthSeconds = 0, sampleRate = 0;
        view::Spans spans;
        bool isEditable = false;
        juce::String words;      ///< in place of a picture
        juce::StringArray steps; ///< what to do first, in place of everything
    };

    SpanStrip();
    void show (const Shown&);

    /** The user has changed the spans. */
    std::function<void (const view::Spans&)> onSpans;

    void paint (juce::Graphics&) override;
    void paintOverChildren (juce::Graphics&) override;
    void resized() override;
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;
    void mouseDown (const juce::MouseEvent&) override;
    void mouseDrag (const juce::MouseEvent&) override;
    void mouseUp (const juce::MouseEvent&) override;
    void mouseMove (const juce::MouseEvent&) override;
    void mouseExit (const juce::MouseEvent&) override;
    void mouseWheelMove (const juce::MouseEvent&, const juce::MouseWheelDetails&) override;
    void mouseMagnify (const juce::MouseEvent&, float) override;
    bool keyPressed (const juce::KeyPress&) override;
    void focusGained (FocusChangeType) override { repaint(); }
    void focusLost (FocusChangeType) override { repaint(); }

private:
    static constexpr int rulerHeight = 20;

    void beginGesture (const juce::MouseEvent&);
    void commit (view::Spans, int newSelected);
    void undo();
    void removeSelected();
    void flipSelected();
    void step (int by);
    void addByKey (bool here);
    void nudge (double pixels, bool onlyEnd);
    void showMenu (int index);
    void setWindow (const view::TimeWindow&);
    void refreshPicture();
    void say();
    std::optional<view::Hit> hit (juce::Point<float>) const;
    double reach (const juce::ModifierKeys&) const;
    void paintSteps (juce::Graphics&) const;
    void paintRuler (juce::Graphics&) const;
    void paintSpan (juce::Graphics&, const view::Spans&, int index, bool isMarked) const;

    WavePicture wave;
    Shown shown;
    view::TimeWindow window;
    std::optional<view::SpanGesture> gesture;
    std::optional<view::TimeWindow> panFrom;
    std::vector<view::Spans> history; ///< of this clip, for undo
    int selected = -1, hovered = -1;
    bool isPressed = false;
};

} // namespace stemlasso
