#pragma once

// The messages of tests/data/wire, for tests: frames as in the files, and what index.json says.

#include "wire/Message.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

namespace golden
{

using Json = nlohmann::json;
using stemlasso::wire::Frames;

inline std::filesystem::path folder() { return STEMLASSO_GOLDEN_DIR; }

inline std::string contentOf (const std::filesystem::path& path)
{
    std::ifstream stream (path, std::ios::binary);
    return { std::istreambuf_iterator<char> (stream), {} };
}

inline Json index (const std::filesystem::path& of)
{
    return Json::parse (contentOf (of / "index.json"));
}

/** Each frame is its length, four bytes, and its bytes. */
inline Frames framesIn (const std::filesystem::path& path)
{
    const auto content = contentOf (path);
    Frames frames;
    for (std::size_t at = 0; at + 4 <= content.size();)
    {
        std::size_t size = 0;
        for (int byte = 0; byte < 4; ++byte)
            size = size << 8 | static_cast<unsigned char> (content[at++]);
        frames.push_back (content.substr (at, size));
        at += size;
    }
    return frames;
}

inline std::map<std::string, Frames> all (const std::filesystem::path& of)
{
    std::map<std::string, Frames> found;
    for (const auto& each : std::filesystem::directory_iterator (of))
        if (each.path().extension() == ".bin")
            found[each.path().stem().string()] = framesIn (each.path());
    return found;
}

inline bool startsWith (const std::string& text, const std::string& with)
{
    return text.rfind (with, 0) == 0;
}

} // namespace golden
