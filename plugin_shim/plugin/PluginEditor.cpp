#include "PluginEditor.h"

namespace stemlasso
{

PluginEditor::PluginEditor (PluginProcessor& processor) : AudioProcessorEditor (processor)
{
    setSize (720, 480);
}
void PluginEditor::paint (juce::Graphics& g) { g.fillAll (juce::Colours::black); }

} // namespace stemlasso
