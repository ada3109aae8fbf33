#pragma once

// One waveform across a component, drawn from peaks.

#include "PeakLoader.h"
#include "view/TimeWindow.h"

#include <juce_gui_basics/juce_gui_basics.h>

namespace stemlasso
{

class WavePicture final : public juce::Component
{
public:
    WavePicture();

    /** Draws what is new in it; does nothing when nothing is. words: in place of a picture. */
    void show (const PeakLoader::Picture&, const view::TimeWindow&, double sampleRate, juce::Colour,
               const juce::String& words = {});
    void paint (juce::Graphics&) override;

private:
    void paintChannel (juce::Graphics&, juce::Rectangle<float>, int channel) const;

    PeakLoader::Picture picture;
    view::TimeWindow window;
    double rate = 0;
    std::int64_t drawnSamples = -1;
    juce::Colour colour;
    juce::String words;
};

} // namespace stemlasso
