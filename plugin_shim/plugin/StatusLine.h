#pragma once

// What is said below the description: how the job stands, or what to do next.

#include "Look.h"

namespace stemlasso
{

class StatusLine final : public juce::Component, public juce::SettableTooltipClient
{
public:
    StatusLine();
    /** fraction: of the bar above the words, below 0: none. */
    void show (const view::Line&, double fraction);

    void paint (juce::Graphics&) override;
    void resized() override { showTooltip(); }
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;

private:
    juce::String words() const;
    juce::Rectangle<int> wordsArea() const;
    void showTooltip();

    view::Line line;
    double fraction = -1;
};

} // namespace stemlasso
