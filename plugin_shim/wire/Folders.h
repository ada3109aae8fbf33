#pragma once

// Where things of this user lie on each system, as bridge/PROTOCOL.md tells.

#include <filesystem>
#include <string>

namespace stemlasso::wire
{

/** A variable of the environment; empty where it is not set. */
std::string environmentVariable (const char* name);

struct Folders
{
    std::filesystem::path runtime; ///< of the connection file; empty where no home is known
    std::filesystem::path config;  ///< of the file that tells how to start the engine

    std::filesystem::path connectionFile() const { return runtime / "connection.json"; }
    std::filesystem::path launcherFile() const { return config / "launcher.json"; }
    /** What an engine that was started from here writes. */
    std::filesystem::path log() const { return runtime / "server.log"; }
    /** The same of a panel. */
    std::filesystem::path panelLog() const { return runtime / "panel.log"; }

    static Folders find();
};

/** From UTF-8, which is not what a path takes by itself on Windows. */
std::filesystem::path pathOf (const std::string& utf8);
std::string utf8Of (const std::filesystem::path&);

} // namespace stemlasso::wire
