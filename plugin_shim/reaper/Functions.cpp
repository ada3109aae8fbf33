#include "Functions.h"

#include <array>
#include <vector>

namespace stemlasso::reaper
{

namespace
{
constexpr int bigBuffer = 8192; ///< REAPER writes names and paths of at most 4096 bytes
constexpr std::size_t textBytes = 4 << 20;
constexpr int mostProjects = 1000;

template <typename Thing, typename Function>
std::string textFrom (Function* function, Thing* thing, const char* field)
{
    std::array<char, bigBuffer> text{};
    if (thing == nullptr || ! function (thing, field, text.data(), false))
        return {};
    text.back() = 0;
    return text.data();
}
} // namespace

Functions::Functions (const std::function<void*(const char*)>& lookup)
{
#define STEMLASSO_FETCH(Result, name, Arguments)                                                   \
    name = reinterpret_cast<decltype (name)> (lookup (#name));
    if (lookup == nullptr)
        return;
    STEMLASSO_REAPER_READS (STEMLASSO_FETCH)
    STEMLASSO_REAPER_RENDERS (STEMLASSO_FETCH)
    STEMLASSO_REAPER_WRITES (STEMLASSO_FETCH)
    STEMLASSO_REAPER_EXTRAS (STEMLASSO_FETCH)
#undef STEMLASSO_FETCH
}

#define STEMLASSO_NAME_MISSING(Result, name, Arguments)                                            \
    if (name == nullptr)                                                                           \
        return #name;

std::string Functions::missingToRead() const
{
    STEMLASSO_REAPER_READS (STEMLASSO_NAME_MISSING)
    return {};
}

std::string Functions::missingToRender() const
{
    STEMLASSO_REAPER_RENDERS (STEMLASSO_NAME_MISSING)
    return {};
}

std::string Functions::missingToInsert() const
{
    STEMLASSO_REAPER_WRITES (STEMLASSO_NAME_MISSING)
    return missingToRead();
}

#undef STEMLASSO_NAME_MISSING

std::string textOf (const Functions& reaper, MediaItem* item, const char* field)
{
    return textFrom (reaper.GetSetMediaItemInfo_String, item, field);
}

std::string textOf (const Functions& reaper, Take* take, const char* field)
{
    return textFrom (reaper.GetSetMediaItemTakeInfo_String, take, field);
}

std::string textOf (const Functions& reaper, Track* track, const char* field)
{
    return textFrom (reaper.GetSetMediaTrackInfo_String, track, field);
}

std::string itemText (const Functions& reaper, MediaItem* item)
{
    if (reaper.GetItemStateChunk == nullptr || reaper.SetItemStateChunk == nullptr)
        return {};
    std::vector<char> text (textBytes, '\0');
    if (! reaper.GetItemStateChunk (item, text.data(), int (text.size()), false))
        return {};
    text.back() = 0;
    const std::string whole (text.data());
    return whole.size() + 1 < text.size() ? whole : ""; // a text that fills it was cut off
}

Project* frontProject (const Functions& reaper)
{
    return reaper.EnumProjects != nullptr ? reaper.EnumProjects (-1, nullptr, 0) : nullptr;
}

bool isOpen (const Functions& reaper, Project* project)
{
    if (project == nullptr)
        return true;
    if (reaper.ValidatePtr2 != nullptr)
        return reaper.ValidatePtr2 (nullptr, project, "ReaProject*");
    if (reaper.EnumProjects == nullptr)
        return true; // nothing tells
    for (int index = 0; index < mostProjects; ++index)
        if (auto* each = reaper.EnumProjects (index, nullptr, 0);
            each == project || each == nullptr)
            return each == project;
    return false;
}

bool isThere (const Functions& reaper, Project* project, MediaItem* item, const std::string& guid)
{
    bool isFound =
        reaper.ValidatePtr2 != nullptr && reaper.ValidatePtr2 (project, item, "MediaItem*");
    if (reaper.ValidatePtr2 == nullptr)
        for (int index = 0; index < reaper.CountMediaItems (project) && ! isFound; ++index)
            isFound = reaper.GetMediaItem (project, index) == item;
    return isFound && textOf (reaper, item, "GUID") == guid;
}

bool isThere (const Functions& reaper, Project* project, MediaItem* item, Take* take,
              const std::string& guid)
{
    bool isFound =
        reaper.ValidatePtr2 != nullptr && reaper.ValidatePtr2 (project, take, "MediaItem_Take*");
    if (reaper.ValidatePtr2 == nullptr && reaper.CountTakes != nullptr && reaper.GetTake != nullptr)
        for (int index = 0; index < reaper.CountTakes (item) && ! isFound; ++index)
            isFound = reaper.GetTake (item, index) == take;
    else if (reaper.ValidatePtr2 == nullptr)
        isFound = reaper.GetActiveTake (item) == take;
    return isFound && textOf (reaper, take, "GUID") == guid;
}

std::string projectFile (const Functions& reaper, Project* project)
{
    if (reaper.EnumProjects == nullptr)
        return {};
    std::array<char, bigBuffer> file{};
    if (project == nullptr)
        return reaper.EnumProjects (-1, file.data(), bigBuffer) != nullptr ? file.data() : "";
    for (int index = 0; index < mostProjects; ++index)
    {
        file.front() = 0;
        auto* each = reaper.EnumProjects (index, file.data(), bigBuffer);
        if (each == nullptr)
            break;
        if (each == project)
            return file.data();
    }
    return {};
}

} // namespace stemlasso::reaper
