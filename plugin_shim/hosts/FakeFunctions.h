#pragma once

// What the functions of FakeReaper have in common.

#include "FakeReaper.h"

#include <cstring>

namespace stemlasso::reaper
{

extern FakeReaper* fake; ///< the one that the functions act on

/** Those that read items and render them, and all others; null for none of this name. */
void* readingFunction (const std::string& name);
void* writingFunction (const std::string& name);

inline Project* of (Project* project)
{
    if (project != nullptr && ! fake->isOpen (project))
        fake->note ("a project that was closed");
    return project != nullptr ? project : fake->front;
}
inline Project* of (MediaItem* item) { return item->track->project; }

template <typename Thing>
Thing* checked (Thing* thing, const char* function)
{
    if (thing == nullptr || thing->isDead)
        fake->note (std::string (function) + ": a pointer to nothing");
    return thing;
}

inline double* field (Values& values, const char* name, const char* function)
{
    if (fake->missingFields.contains (name))
        return nullptr; // an older REAPER gives 0 and takes nothing
    const auto found = values.find (name);
    if (found == values.end())
        fake->note (std::string (function) + ": REAPER has no field " + name);
    return found == values.end() ? nullptr : &found->second;
}

inline void copyText (const std::string& text, char* buffer, int size)
{
    if (size > 0)
        std::strncpy (buffer, text.c_str(), std::size_t (size - 1))[size - 1] = 0;
}

inline bool exchangeText (std::string& text, char* buffer, bool isSet)
{
    if (isSet)
        text = buffer;
    else
        std::strcpy (buffer, text.c_str()); // as REAPER does: the caller has room
    return isSet || ! text.empty();
}

inline std::vector<MediaItem*> itemsOf (Project* project)
{
    std::vector<MediaItem*> items;
    for (auto* track : of (project)->tracks)
        items.insert (items.end(), track->items.begin(), track->items.end());
    return items;
}

// the first line of a function that can fail
#define BEGIN const bool isWell = fake->begin (__func__)

template <typename Thing>
double get (Thing* thing, const char* name, const char* function)
{
    fake->begin (function);
    const auto* value = field (checked (thing, function)->values, name, function);
    return value != nullptr ? *value : 0;
}
template <typename Thing>
bool set (Thing* thing, Project* project, const char* name, double value, const char* function)
{
    const bool isWell = fake->begin (function);
    fake->changing (project, function);
    auto* kept = field (checked (thing, function)->values, name, function);
    if (kept == nullptr || ! isWell)
        return false;
    *kept = value;
    return true;
}

#define STEMLASSO_OFFER(Result, name, Arguments)                                                   \
    if (wanted == #name)                                                                           \
        return reinterpret_cast<void*> (static_cast<Result (*) Arguments> (&name));

} // namespace stemlasso::reaper
