#include "PluginProcessor.h"

#include "PluginEditor.h"

namespace stemlasso
{

PluginProcessor::PluginProcessor()
    : AudioProcessor (BusesProperties()
                          .withInput ("Input", juce::AudioChannelSet::stereo())
                          .withOutput ("Output", juce::AudioChannelSet::stereo())),
      recorder (std::make_unique<capture::Recorder> (
          juce::File::getSpecialLocation (juce::File::tempDirectory)
              .getFullPathName()
              .toStdString()))
{
    addParameter (armed = new juce::AudioParameterBool ({ "capture", 1 }, "Capture", false));
    reaperHost.addParameters (*this);
}

PluginProcessor::~PluginProcessor() = default;

void PluginProcessor::prepareToPlay (double sampleRate, int largestBlock)
{
    recorder->prepare (sampleRate, getTotalNumInputChannels(), largestBlock);
}

bool PluginProcessor::isBusesLayoutSupported (const BusesLayout& layout) const
{
    const auto in = layout.getMainInputChannelSet();
    return in == layout.getMainOutputChannelSet()
           && (in == juce::AudioChannelSet::mono() || in == juce::AudioChannelSet::stereo());
}

void PluginProcessor::processBlock (juce::AudioBuffer<float>& buffer, juce::MidiBuffer&)
{
    capture::Transport transport;
    if (auto* playHead = getPlayHead())
        if (const auto position = playHead->getPosition())
        {
            if (const auto samples = position->getTimeInSamples())
                transport.positionSamples = *samples;
            transport.isPlaying = position->getIsPlaying();
        }
    recorder->process (buffer.getArrayOfReadPointers(), buffer.getNumChannels(),
                       buffer.getNumSamples(), transport, armed->get(), isNonRealtime());
}

juce::AudioProcessorEditor* PluginProcessor::createEditor() { return new PluginEditor (*this); }

void PluginProcessor::getStateInformation (juce::MemoryBlock& state)
{
    juce::MemoryOutputStream out (state, false);
    workspace.save().writeToStream (out);
}

void PluginProcessor::setStateInformation (const void* data, int bytes)
{
    workspace.restore (juce::ValueTree::readFromData (data, size_t (bytes)));
}

void PluginProcessor::poll() { workspace.poll(); }

void PluginProcessor::setIHostApplication (Steinberg::FUnknown* host) { reaperHost.attach (host); }

} // namespace stemlasso

juce::AudioProcessor* JUCE_CALLTYPE createPluginFilter()
{
    return new stemlasso::PluginProcessor();
}
