#pragma once

// The top row: whose window this is, how the engine stands, and the way to the panel.

#include "Badge.h"

namespace stemlasso
{

class EngineBar final : public juce::Component, public juce::SettableTooltipClient
{
public:
    EngineBar();
    void show (const wire::LinkView&);

    std::function<void()> onStart, onPanel;

    void paint (juce::Graphics&) override;
    void resized() override;
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;

private:
    wire::LinkView link;
    Badge badge;
    juce::TextButton start{ "Start engine" }, panel{ "Open panel" };
};

} // namespace stemlasso
