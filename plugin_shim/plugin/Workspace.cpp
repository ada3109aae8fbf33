#include "Workspace.h"

#include "ClipState.h"

#include <juce_audio_formats/juce_audio_formats.h>

#include <utility>

namespace stemlasso
{

namespace
{
constexpr size_t mostClips = 256;
/// that the engine reads, and this build of JUCE does not
constexpr const char* otherAudio = "flac;mp3;ogg;opus;m4a;aac;caf;w64;mp4;mov;mkv;webm";

juce::String toText (const std::string& text) { return juce::String::fromUTF8 (text.c_str()); }

/** Words when the clip's file cannot be used; otherwise its format, as far as it can be told here. */
juce::String readFormat (WorkClip& clip)
{
    const auto path = toText (clip.source.path);
    if (! juce::File::isAbsolutePath (path) || ! juce::File (path).existsAsFile())
        return path + ": there is no such file.";
    const juce::File file (path);
    juce::AudioFormatManager formats;
    formats.registerBasicFormats();
    const std::unique_ptr<juce::AudioFormatReader> reader (formats.createReaderFor (file));
    if (reader != nullptr && reader->lengthInSamples > 0)
    {
        clip.sampleRate = reader->sampleRate;
        clip.samples = reader->lengthInSamples;
        clip.channels = int (reader->numChannels);
        return {};
    }
    if (file.hasFileExtension (otherAudio))
        return {};
    return path + ": this is no audio file that can be read. Use WAV, AIFF, FLAC, MP3, Ogg or M4A.";
}

std::vector<wire::Stem> existing (const std::vector<wire::Stem>& stems)
{
    std::vector<wire::Stem> found;
    for (const auto& stem : stems)
        if (juce::File (toText (stem.path)).existsAsFile())
            found.push_back (stem);
    return found;
}

/** What of a state a user would miss: not which clip is chosen, nor what the engine calls it. */
juce::ValueTree worthSaving (const juce::ValueTree& tree)
{
    auto worth = tree.createCopy();
    worth.removeProperty ("selected", nullptr);
    for (auto clip : worth)
        clip.removeProperty ("clipId", nullptr);
    return worth;
}
} // namespace

juce::String Workspace::add (WorkClip clip)
{
    if (entries.size() >= mostClips)
        return "There are 256 clips here, which is as many as fit: remove some.";
    if (const auto words = readFormat (clip); words.isNotEmpty())
        return words;
    if (clip.id.isEmpty())
        clip.id = juce::Uuid().toDashedString();
    clip.errand = engine->makeErrand (clip.source);
    selectedId = clip.id;
    known[clip.id] = {};
    entries.push_back (std::move (clip));
    changed();
    return {};
}

void Workspace::remove (const juce::String& id)
{
    std::erase_if (entries, [&] (const WorkClip& clip) { return clip.id == id; });
    known.erase (id);
    if (selectedId == id)
        selectedId = entries.empty() ? juce::String() : entries.back().id;
    changed();
}

void Workspace::select (const juce::String& id)
{
    selectedId = id;
    changed();
}

WorkClip* Workspace::find (const juce::String& id)
{
    for (auto& clip : entries)
        if (clip.id == id)
            return &clip;
    return nullptr;
}

const WorkClip* Workspace::selected() const
{
    return const_cast<Workspace*> (this)->find (selectedId);
}

void Workspace::setPrompt (wire::Prompt prompt)
{
    auto* clip = find (selectedId);
    if (clip == nullptr || clip->prompt == prompt)
        return;
    clip->prompt = std::move (prompt);
    changed();
}

void Workspace::setOptions (wire::JobOptions options)
{
    auto* clip = find (selectedId);
    if (clip == nullptr || clip->options == options)
        return;
    clip->options = std::move (options);
    changed();
}

void Workspace::separate()
{
    auto* clip = find (selectedId);
    if (clip == nullptr)
        return;
    if (clip->errand == nullptr)
        clip->errand = engine->makeErrand (clip->source);
    clip->errand->separate (clip->prompt, clip->options);
    changed();
}

void Workspace::cancel()
{
    if (auto* clip = find (selectedId); clip != nullptr && clip->errand != nullptr)
        clip->errand->cancel();
    changed();
}

void Workspace::poll()
{
    bool isChanged = false;
    for (auto& clip : entries)
    {
        if (clip.errand == nullptr)
            continue;
        const auto view = clip.errand->view();
        auto& of = known[clip.id];
        if (view == nullptr || view->revision == of.revision)
            continue;
        of.revision = view->revision;
        takeOver (clip, *view);
        isChanged = true;
    }
    if (isChanged)
        changed();
}

void Workspace::takeOver (WorkClip& clip, const wire::ErrandView& view)
{
    if (view.clip && view.clip->samples > 0)
    {
        clip.sampleRate = double (view.clip->sampleRate);
        clip.samples = view.clip->samples;
        clip.channels = int (view.clip->channels);
    }
    auto& of = known[clip.id];
    if (! view.job || ! view.job->result || view.job->jobId == of.doneJob)
        return;
    of.doneJob = view.job->jobId;
    of.hasNewStems = true;
    clip.stems = view.job->result->stems;
}

juce::ValueTree Workspace::save() const
{
    const juce::ScopedLock lock (savedLock);
    return saved;
}

void Workspace::changed()
{
    const auto before = worth;
    refresh();
    editCount += worth.isEquivalentTo (before) ? 0 : 1;
    sendChangeMessage();
}

void Workspace::refresh()
{
    auto tree = restoredRoot.createCopy();
    tree.setProperty ("selected", selectedId, nullptr);
    for (const auto& clip : entries)
    {
        const auto& of = known[clip.id];
        SavedClip whole{ clip, {}, {}, of.doneJob };
        if (clip.errand != nullptr)
        {
            whole.clipId = clip.errand->clipId();
            whole.jobId = clip.errand->jobId();
        }
        tree.appendChild (saveClip (whole, of.restored, of.hasNewStems), nullptr);
    }
    worth = worthSaving (tree);
    const juce::ScopedLock lock (savedLock);
    saved = tree;
}

void Workspace::restore (const juce::ValueTree& tree)
{
    auto before = std::exchange (entries, {});
    known.clear();
    restoredRoot = juce::ValueTree ("Workspace");
    selectedId = {};
    if (tree.hasType ("Workspace"))
    {
        restoredRoot = tree.createCopy();
        for (const auto& each : tree)
            if (each.hasType ("Clip"))
                restoreOne (each, before);
        for (int i = restoredRoot.getNumChildren(); --i >= 0;)
            if (restoredRoot.getChild (i).hasType ("Clip"))
                restoredRoot.removeChild (i, nullptr);
        const auto wanted = tree["selected"].toString();
        if (find (wanted) != nullptr)
            selectedId = wanted;
        else if (! entries.empty())
            selectedId = entries.back().id;
    }
    refresh();
    sendChangeMessage();
}

void Workspace::restoreOne (const juce::ValueTree& tree, std::vector<WorkClip>& before)
{
    auto restored = restoreClip (tree);
    if (! restored || entries.size() >= mostClips || find (restored->clip.id) != nullptr)
        return;
    auto& clip = restored->clip;
    auto& of = known[clip.id];
    of.restored = tree.createCopy();
    of.hasNewStems = false;
    of.doneJob = restored->stemsJobId;
    clip.stems = existing (clip.stems);
    // a host that takes a step back, or a preset of this session: what is under way goes on
    for (const auto& earlier : before)
        if (earlier.id == clip.id && earlier.source == clip.source && earlier.errand != nullptr
            && earlier.errand->jobId() == restored->jobId)
            clip.errand = earlier.errand;
    if (clip.errand == nullptr)
        clip.errand = restored->clipId.empty() && restored->jobId.empty()
                          ? engine->makeErrand (clip.source)
                          : engine->restoreErrand (clip.source, restored->clipId, restored->jobId);
    entries.push_back (std::move (clip));
}

} // namespace stemlasso
