#include "Workspace.h"

namespace stemlasso
{

juce::String Workspace::add (WorkClip clip)
{
    entries.push_back (std::move (clip));
    selectedId = entries.back().id;
    sendChangeMessage();
    return {};
}

void Workspace::remove (const juce::String& id)
{
    std::erase_if (entries, [&] (const WorkClip& clip) { return clip.id == id; });
    sendChangeMessage();
}

void Workspace::select (const juce::String& id)
{
    selectedId = id;
    sendChangeMessage();
}

const WorkClip* Workspace::selected() const
{
    for (const auto& clip : entries)
        if (clip.id == selectedId)
            return &clip;
    return nullptr;
}

void Workspace::setPrompt (wire::Prompt) {}
void Workspace::setOptions (wire::JobOptions) {}
void Workspace::separate() {}
void Workspace::cancel() {}
void Workspace::poll() {}
juce::ValueTree Workspace::save() const { return juce::ValueTree ("Workspace"); }
void Workspace::restore (const juce::ValueTree&) {}

} // namespace stemlasso
