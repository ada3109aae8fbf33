#pragma once

// The plug-in's editor on the screen, without a host around it: for what no host can be asked, such
// as whether it wanted a key. JUCE's loop runs on the main thread and the tests on another one.

#include "plugin/PluginEditor.h"

#include <functional>

namespace stemlasso::tests
{

/** Runs on JUCE's message thread; returns when it has. */
void onMessages (const std::function<void()>&);
/** Until `isSo` on the message thread; false when it never is. */
bool comes (const std::function<bool()>& isSo);

class EditorStage
{
public:
    /** inReaper: the host offers REAPER's functions. A clip whose file is not there is selected. */
    explicit EditorStage (bool inReaper = false, bool withStems = false);
    /** In a host of the caller's, which it outlives. */
    explicit EditorStage (Steinberg::FUnknown& host);
    ~EditorStage();

    PluginProcessor& plugin() { return *processor; }
    PluginEditor& editor() { return *window; }
    /** By its id, on the message thread; throws where it is not to be seen. */
    juce::Component& part (const juce::String& id);
    bool isShown (const juce::String& id);
    /** All of the editor that can be seen, on the message thread. */
    std::vector<juce::Component*> parts();
    /** Gives a part the keys, types one; returns whether the editor wanted it. */
    bool press (const juce::String& id, const juce::KeyPress&);

private:
    class Host;

    void open (Steinberg::FUnknown* host, const juce::StringArray& stems);

    std::unique_ptr<Host> host;
    std::unique_ptr<PluginProcessor> processor;
    std::unique_ptr<PluginEditor> window;
};

} // namespace stemlasso::tests
