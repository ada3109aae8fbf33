#pragma once

#include "PluginProcessor.h"

namespace stemlasso
{

class PluginEditor final : public juce::AudioProcessorEditor
{
public:
    explicit PluginEditor (PluginProcessor&);
    void paint (juce::Graphics&) override;
};

} // namespace stemlasso
