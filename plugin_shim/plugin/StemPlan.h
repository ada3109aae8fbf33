#pragma once

// How stems are called and coloured on a timeline: as their job's timeline manifest says, which all
// scripts in DAWs read (daw/manifest.md).

#include "Workspace.h"

#include <vector>

namespace stemlasso
{

/** The clip's stems for REAPER; the further takes of the target only `withTakes`. */
std::vector<reaper::StemToInsert> stemsToInsert (const WorkClip&, bool withTakes);

/** The id of the job that the clip's stems are of; empty where it cannot be told. */
std::string jobOf (const WorkClip&);

/** A clip's place in REAPER as a part of the plug-in's state, and back; none where it is damaged. */
juce::ValueTree saveItem (const reaper::Item&);
std::optional<reaper::Item> restoreItem (const juce::ValueTree&);

} // namespace stemlasso
