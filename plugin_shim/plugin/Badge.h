#pragma once

// Two or three words in a coloured pill.

#include "Look.h"

namespace stemlasso
{

class Badge final : public juce::Component, public juce::SettableTooltipClient
{
public:
    /** Not to be seen without words. Returns whether it is another one now. */
    bool show (const view::Line&);
    int widthOfWords() const; ///< with its frame

    void paint (juce::Graphics&) override;
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;

private:
    view::Line line;
};

} // namespace stemlasso
