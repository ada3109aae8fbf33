#pragma once

// Starts the engine and the panel as programs of their own, which outlive the host.

#include "Folders.h"

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace stemlasso::wire
{

using Command = std::vector<std::string>;

/** Program and first arguments of the command `stemlasso`: from STEMLASSO_COMMAND (a JSON list of
    text, or one program), else from the file that the installer wrote, else `stemlasso` on PATH. Or
    words that say what to do. */
struct FoundCommand
{
    Command command; ///< empty: there is none
    std::string words;
};
FoundCommand findCommand (const Folders&);

/** Starts a program away from this process: its own session, no descriptor of ours, its output
    appended to `log` (nowhere, where that is empty). Words where that failed; empty: it was started.
    Returns as soon as the system has taken it. */
std::string startDetached (const Command&, const std::filesystem::path& log);

/** `stemlasso serve`, in the background. Words where that failed. */
std::string startServer (const Folders&);
/** The last line that a server which did not come up wrote. */
std::string lastWords (const Folders&);

/** `stemlasso panel`, with a clip or with none. Words where that failed. */
std::string startPanel (const Folders&, const std::string& clipId);
/** Why the panel that was started last ended at once, in its own words; empty where it did not. */
std::string panelTrouble (const Folders&);

} // namespace stemlasso::wire
