#pragma once

// One stem: dragged out of the window, it is a file for the DAW.

#include "Look.h"
#include "WavePicture.h"

namespace stemlasso
{

class StemLane final : public juce::Component, public juce::SettableTooltipClient
{
public:
    struct Shown
    {
        wire::Stem stem;
        juce::String name; ///< on the lane
        PeakLoader::Picture picture;
        juce::String place; ///< where it belongs on the timeline
    };

    explicit StemLane (const juce::String& id);
    void show (const Shown&);
    const wire::Stem& stem() const { return shown.stem; }

    /** Begins a drag of this lane's file, or of what else goes with it. */
    std::function<void (StemLane&)> onDrag;
    /** It has the keys, and may be out of sight. */
    std::function<void (StemLane&)> onFocus;

    void paint (juce::Graphics&) override;
    void resized() override;
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;
    void mouseDrag (const juce::MouseEvent&) override;
    void mouseUp (const juce::MouseEvent&) override;
    void mouseEnter (const juce::MouseEvent&) override { repaint(); }
    void mouseExit (const juce::MouseEvent&) override { repaint(); }
    bool keyPressed (const juce::KeyPress&) override;
    void focusGained (FocusChangeType) override;
    void focusLost (FocusChangeType) override { repaint(); }

private:
    juce::Colour colour() const;
    int wordsWidth() const;
    void copyPath() const;

    Shown shown;
    WavePicture wave;
    IconButton folder, copy;
    bool isDragging = false;
};

} // namespace stemlasso
