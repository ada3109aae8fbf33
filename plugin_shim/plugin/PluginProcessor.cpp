#include "PluginProcessor.h"

#include "PluginEditor.h"
#include "capture/Spool.h"

namespace stemlasso
{

namespace
{
constexpr int mostChannels = 16;

/** A host without a transport is known by saying nothing of tempo or place; all is captured then. */
capture::Transport transportOf (juce::AudioPlayHead* playHead, const HostClock& clock)
{
    capture::Transport transport;
    const auto position = playHead != nullptr ? playHead->getPosition() : juce::nullopt;
    if (! position
        || ! (position->getIsPlaying() || position->getBpm() || position->getPpqPosition()))
        return transport;
    transport.isPlaying = position->getIsPlaying();
    transport.positionSamples = clock.position();
    if (const auto samples = position->getTimeInSamples(); samples && ! transport.positionSamples)
        transport.positionSamples = *samples;
    if (const auto tempo = position->getBpm(); tempo && *tempo > 0 && *tempo <= 1000)
        transport.tempoBpm = *tempo;
    if (const auto quarters = position->getPpqPosition())
    {
        capture::MusicalTime musical;
        musical.quarters = *quarters;
        musical.beatsPerMinute = position->getBpm().orFallback (0.0);
        const auto signature =
            position->getTimeSignature().orFallback (juce::AudioPlayHead::TimeSignature());
        musical.numerator = signature.numerator;
        musical.denominator = signature.denominator;
        transport.musical = musical;
    }
    return transport;
}
} // namespace

PluginProcessor::PluginProcessor()
    : AudioProcessor (BusesProperties()
                          .withInput ("Input", juce::AudioChannelSet::stereo())
                          .withOutput ("Output", juce::AudioChannelSet::stereo())),
      recorder (std::make_unique<capture::Recorder> (capture::defaultSpoolFolder(),
                                                     [this] { triggerAsyncUpdate(); }))
{
    addParameter (armed = new juce::AudioParameterBool ({ "capture", 1 }, "Capture", false));
    addParameter (separates = new juce::AudioParameterBool ({ "separate", 1 }, "Separate", false));
    separates->addListener (this);
    reaperHost.addParameters (*this);
}

PluginProcessor::~PluginProcessor()
{
    separates->removeListener (this);
    recorder.reset(); // its last word comes on another thread
    cancelPendingUpdate();
    stopTimer();
}

void PluginProcessor::prepareToPlay (double sampleRate, int largestBlock)
{
    recorder->prepare (sampleRate, getMainBusNumInputChannels(), largestBlock);
}

void PluginProcessor::releaseResources() { recorder->finish(); }

bool PluginProcessor::isBusesLayoutSupported (const BusesLayout& layout) const
{
    const auto in = layout.getMainInputChannelSet();
    return in == layout.getMainOutputChannelSet() && in.size() >= 1 && in.size() <= mostChannels;
}

template <typename Sample>
void PluginProcessor::hear (const juce::AudioBuffer<Sample>& buffer, bool isArmed) noexcept
{
    recorder->process (buffer.getArrayOfReadPointers(), buffer.getNumChannels(),
                       buffer.getNumSamples(), transportOf (getPlayHead(), hostClock), isArmed,
                       isNonRealtime());
}

// Audio passes because nothing is done to it: input and output are the same buffer.

void PluginProcessor::processBlock (juce::AudioBuffer<float>& buffer, juce::MidiBuffer&)
{
    hear (buffer, armed->get());
}

void PluginProcessor::processBlock (juce::AudioBuffer<double>& buffer, juce::MidiBuffer&)
{
    hear (buffer, armed->get());
}

void PluginProcessor::processBlockBypassed (juce::AudioBuffer<float>& buffer, juce::MidiBuffer&)
{
    hear (buffer, false);
}

void PluginProcessor::processBlockBypassed (juce::AudioBuffer<double>& buffer, juce::MidiBuffer&)
{
    hear (buffer, false);
}

juce::AudioProcessorEditor* PluginProcessor::createEditor() { return new PluginEditor (*this); }

std::int32_t PluginProcessor::queryIAudioProcessor (const Steinberg::TUID id, void** object)
{
    return hostClock.query (id, getPlayHead(), object);
}

void PluginProcessor::setIHostApplication (Steinberg::FUnknown* host) { reaperHost.attach (host); }

void PluginProcessor::parameterValueChanged (int, float value)
{
    // any thread, the audio thread as well: note it and leave. As long as there is a clip to separate
    // a timer looks for it.
    if (value >= 0.5f)
        isSeparatePressed = true;
}

/** A take began or ended, or the host gave a state. */
void PluginProcessor::handleAsyncUpdate()
{
    poll();
    if (! isTimerRunning())
        startTimerHz (10);
}

/** Clips, words, spans and stems are no parameters: a host learns of them in no other way. */
void PluginProcessor::tellOfEdits()
{
    if (const auto edits = workspace.edits(); std::exchange (editsTold, edits) != edits)
        updateHostDisplay (ChangeDetails().withNonParameterStateChanged (true));
}

void PluginProcessor::poll()
{
    takeOverState();
    takeOverTakes();
    separateIfPressed();
    workspace.poll();
    tellOfEdits();
    const auto takes = recorder->takes();
    const bool isCapturing = ! takes.empty() && ! takes.back().isFinished;
    if (isCapturing)
        finishStaleTake (takes.back());
    if (! isCapturing && workspace.clips().empty())
        stopTimer();
    else if (! isTimerRunning())
        startTimerHz (10);
}

/** Ends a take whose blocks have stopped coming: a host that does not play need not call us. */
void PluginProcessor::finishStaleTake (const capture::Take& take)
{
    const auto now = juce::Time::getMillisecondCounter();
    if (std::exchange (staleSamples, take.samples) != take.samples)
        movedAt = now;
    // an offline render may take its time between two blocks; it ends with its last one
    const juce::uint32 patience = ! armed->get() ? 500 : isNonRealtime() ? 60'000 : 5'000;
    if (now - movedAt < patience)
        return;
    recorder->finish();
    movedAt = now;
}

void PluginProcessor::takeOverTakes()
{
    const auto seenBefore = takesSeen;
    juce::String problem;
    for (const auto& take : recorder->takes())
    {
        if (! take.isFinished || take.number <= takesSeen)
            continue;
        takesSeen = take.number;
        if (! take.problem.empty())
            problem = juce::String::fromUTF8 (take.problem.c_str());
        if (take.samples == 0 || take.path.empty())
            continue;
        if (const auto why = workspace.add (clipOf (take)); why.isNotEmpty())
            problem = why + " The take lies in " + juce::String::fromUTF8 (take.path.c_str());
    }
    if (takesSeen != seenBefore)
        problemOfTake = problem;
}

WorkClip PluginProcessor::clipOf (const capture::Take& take) const
{
    WorkClip clip;
    clip.kind = ClipKind::captured;
    clip.source.path = take.path;
    clip.source.name = "Take " + std::to_string (take.number);
    auto& origin = clip.source.origin;
    origin.host = juce::PluginHostType().getHostDescription();
    {
        const juce::ScopedLock lock (stateLock);
        origin.track = trackName.toStdString();
    }
    origin.positionSamples = take.positionSamples;
    if (take.positionSamples)
        origin.positionSeconds = double (*take.positionSamples) / take.sampleRate;
    origin.tempoBpm = take.tempoBpm;
    clip.musical = take.musical;
    clip.droppedSamples = take.droppedSamples;
    if (const auto* earlier = workspace.selected()) // one sound, take after take
    {
        clip.prompt.description = earlier->prompt.description;
        clip.options = earlier->options;
        clip.options.rerun.reset();
    }
    return clip;
}

void PluginProcessor::separateIfPressed()
{
    if (! isSeparatePressed.exchange (false))
        return;
    separates->setValueNotifyingHost (0); // a button: it comes up by itself
    workspace.separate();
}

} // namespace stemlasso

juce::AudioProcessor* JUCE_CALLTYPE createPluginFilter()
{
    return new stemlasso::PluginProcessor();
}
