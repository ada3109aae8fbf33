#pragma once

// A clip as a part of the plug-in's state, and back. Version 1 of the state:
//
//     StemLasso version capture
//         Workspace selected
//             Clip id kind path name sampleRate samples channels droppedSamples clipId jobId stemsJobId
//                 Origin host project track positionSeconds positionSamples tempoBpm
//                 Musical quarters beatsPerMinute numerator denominator
//                 ReaperItem ...
//                 Prompt description
//                     Span start end here
//                 Options separator quality candidates ...
//                 Stem role name path index ...
//
// What a later version added is kept and written again. What is damaged is left out.

#include "Workspace.h"

namespace stemlasso
{

/** A clip with what is not for people. */
struct SavedClip
{
    WorkClip clip;             ///< without errand; all its stems, also those whose files are gone
    std::string clipId, jobId; ///< in the server; of the newest job
    std::string stemsJobId;    ///< of the job that the stems are of
};

/** base: what was restored, or an empty tree. withStems: false leaves the stems of `base`. */
juce::ValueTree saveClip (const SavedClip&, const juce::ValueTree& base, bool withStems);
/** None when it names no file, or is damaged. */
std::optional<SavedClip> restoreClip (const juce::ValueTree&);

} // namespace stemlasso
