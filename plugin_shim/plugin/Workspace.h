#pragma once

// What one instance of the plug-in works on: its clips, what the user asks of each, and what came
// back. Knows no audio thread and draws nothing. Message thread only.

#include "capture/Recorder.h"
#include "reaper/ReaperApi.h"
#include "wire/EngineLink.h"

#include <juce_data_structures/juce_data_structures.h>

#include <map>
#include <optional>

namespace stemlasso
{

enum class ClipKind
{
    captured,
    reaperItem,
    file
};

/** One clip of this instance. */
struct WorkClip
{
    juce::String id; ///< of this entry, kept in the plug-in's state
    ClipKind kind = ClipKind::file;
    wire::ClipSource source;
    double sampleRate = 0;
    std::int64_t samples = 0;
    int channels = 0;
    std::optional<capture::MusicalTime> musical; ///< of its first sample, for a captured clip
    std::int64_t droppedSamples = 0;             ///< not 0: a captured clip with a gap
    std::optional<reaper::Item> item;            ///< where stems belong, for a clip from REAPER
    wire::Prompt prompt;
    wire::JobOptions options;
    std::vector<wire::Stem> stems; ///< of the newest finished job, kept in the plug-in's state
    std::shared_ptr<wire::Errand> errand;

    double lengthSeconds() const { return sampleRate > 0 ? double (samples) / sampleRate : 0; }
};

class Workspace final : public juce::ChangeBroadcaster
{
public:
    /** clip: without errand; its file is opened for its format. Returns words when it is no audio
        file that can be used, and then changes nothing. Selects it. */
    juce::String add (WorkClip clip);
    void remove (const juce::String& id);
    void select (const juce::String& id);

    const std::vector<WorkClip>& clips() const { return entries; }
    const WorkClip* selected() const;

    void setPrompt (wire::Prompt);      ///< of the selected clip
    void setOptions (wire::JobOptions); ///< of the selected clip
    void separate();                    ///< the selected clip
    void cancel();                      ///< the selected clip's job

    /** To be called often by a timer: takes over what the engine said, and tells listeners. */
    void poll();

    /** Any thread: as it is now, never to be changed. */
    juce::ValueTree save() const;
    /** Takes what it understands and drops the rest: a state may come from another version, or be
        damaged. Stems whose files are gone stay in the state and are not shown. A job that was not
        done yet is asked for by its id. */
    void restore (const juce::ValueTree&);

    /** Grows with all that a host should ask to save: not with what was restored, nor with which clip
        is chosen. */
    std::uint64_t edits() const { return editCount; }

    wire::EngineLink& link() { return *engine; }

private:
    /** What is known of a clip and not for people. */
    struct Known
    {
        juce::ValueTree restored; ///< as it was in the state, with what another version added
        bool hasNewStems = true;
        std::uint64_t revision = 0; ///< of its errand, when it was looked at last
        std::string doneJob;        ///< whose stems it has
    };

    WorkClip* find (const juce::String& id);
    void restoreOne (const juce::ValueTree&, std::vector<WorkClip>& before);
    void takeOver (WorkClip&, const wire::ErrandView&);
    void changed();
    void refresh(); ///< `saved` and `worth`

    std::shared_ptr<wire::EngineLink> engine = wire::EngineLink::shared();
    std::vector<WorkClip> entries;
    std::map<juce::String, Known> known; ///< by the clip's id
    juce::String selectedId;
    juce::ValueTree restoredRoot{ "Workspace" };
    juce::ValueTree worth{ "Workspace" }; ///< what of `saved` a host should ask to save
    std::uint64_t editCount = 0;

    juce::CriticalSection savedLock;
    juce::ValueTree saved{ "Workspace", { { "selected", juce::String() } } };
};

} // namespace stemlasso
