#pragma once

// Take envelopes. REAPER's API reads them but makes none, so they travel as the text in which it
// keeps an item:
//
//     <ITEM
//     ...
//     GUID {...}          of the first take
//     <SOURCE WAVE
//     FILE "a.wav"
//     >
//     <VOLENV
//     EGUID {...}
//     ACT 1 -1
//     PT 0.5 0.25 0       seconds after the item's start, times the play rate
//     >
//     TAKE                and so on for the next one
//     >

#include <string>

namespace stemlasso::reaper
{

/** How the times of points change from one take to another. */
struct EnvelopeTimes
{
    double shiftSeconds = 0, scale = 1; ///< new = (old + shift) * scale
};

/** The envelopes of the take with this GUID, ready for another item; empty where it has none.
    withPitch: volume, pan and mute always go, pitch only where the audio is not rendered with it. */
std::string envelopesOf (const std::string& item, const std::string& takeGuid, bool withPitch,
                         EnvelopeTimes);

/** The item's text with these envelopes in each of its takes. */
std::string withEnvelopes (const std::string& item, const std::string& envelopes);

} // namespace stemlasso::reaper
