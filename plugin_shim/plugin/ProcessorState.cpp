// The plug-in's state, as XML. Hosts give it and ask for it on any thread, and some ask at once for
// what they have just given; the workspace belongs to the message thread, which takes it over later.

#include "PluginProcessor.h"
#include "capture/Spool.h"

#include <algorithm>

namespace stemlasso
{

namespace
{
constexpr int stateVersion = 1;
constexpr int mostStateBytes = 16 * 1024 * 1024;

/** What is not UTF-8 did not come from us, and JUCE's parser takes any bytes for text. */
bool isText (const void* data, int bytes)
{
    constexpr int headBytes = 8; // a mark and the length
    if (bytes <= headBytes)
        return false;
    const auto* text = static_cast<const char*> (data) + headBytes;
    const auto length = std::find (text, text + bytes - headBytes, '\0') - text;
    return juce::CharPointer_UTF8::isValidString (text, int (length));
}

/** From now on a host may keep the path of this take: it must not be deleted by itself any more. */
void keepTakes (const juce::ValueTree& workspace)
{
    for (const auto& clip : workspace)
        if (clip["kind"].toString() == "captured")
            capture::Spool::keep (clip["path"].toString().toStdString());
}
} // namespace

juce::ValueTree PluginProcessor::wholeState() const
{
    const juce::ScopedLock lock (stateLock);
    auto state = restoredState.createCopy();
    state.setProperty ("version", stateVersion, nullptr);
    state.setProperty ("capture", armed->get() ? 1 : 0, nullptr);
    state.appendChild (waitingWorkspace.isValid() ? waitingWorkspace.createCopy()
                                                  : workspace.save().createCopy(),
                       nullptr);
    return state;
}

void PluginProcessor::getStateInformation (juce::MemoryBlock& block)
{
    const auto state = wholeState();
    keepTakes (state.getChildWithName ("Workspace"));
    if (const auto xml = state.createXml())
        copyXmlToBinary (*xml, block);
}

void PluginProcessor::setStateInformation (const void* data, int bytes)
{
    if (bytes > mostStateBytes || ! isText (data, bytes))
        return;
    const auto xml = getXmlFromBinary (data, bytes);
    if (xml == nullptr || ! xml->hasTagName ("StemLasso"))
        return;
    auto state = juce::ValueTree::fromXml (*xml);
    auto work = state.getChildWithName ("Workspace");
    {
        const juce::ScopedLock lock (stateLock);
        waitingWorkspace = work.isValid() ? work.createCopy() : juce::ValueTree ("Workspace");
        while (state.getChildWithName ("Workspace").isValid())
            state.removeChild (state.getChildWithName ("Workspace"), nullptr);
        restoredState = state;
    }
    isSeparatePressed = false;
    if (state.hasProperty ("capture"))
        armed->setValueNotifyingHost (state["capture"].toString().getIntValue() != 0 ? 1.0f : 0.0f);
    triggerAsyncUpdate();
}

void PluginProcessor::takeOverState()
{
    juce::ValueTree given;
    {
        const juce::ScopedLock lock (stateLock);
        given = waitingWorkspace;
    }
    if (! given.isValid())
        return;
    workspace.restore (given);
    const juce::ScopedLock lock (stateLock);
    if (waitingWorkspace == given) // the host may have given another one meanwhile
        waitingWorkspace = {};
}

void PluginProcessor::updateTrackProperties (const TrackProperties& properties)
{
    const juce::ScopedLock lock (stateLock);
    trackName = properties.name;
}

} // namespace stemlasso
