#pragma once

#include <filesystem>
#include <unistd.h>

/** A folder that is gone with the test. */
struct Scratch
{
    std::filesystem::path path;

    Scratch()
    {
        auto name = (std::filesystem::temp_directory_path() / "stemlasso-XXXXXX").string();
        path = mkdtemp (name.data());
    }
    ~Scratch() { std::filesystem::remove_all (path); }
    Scratch (const Scratch&) = delete;
    Scratch& operator= (const Scratch&) = delete;
};
