// REAPER's functions that read items and render them, over the model of FakeReaper.

#include "FakeFunctions.h"
#include "reaper/Wav.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>

namespace stemlasso::reaper
{

namespace
{
int CountMediaItems (Project* project)
{
    BEGIN;
    return isWell ? int (itemsOf (project).size()) : 0;
}
MediaItem* GetMediaItem (Project* project, int index)
{
    BEGIN;
    return isWell ? itemsOf (project).at (std::size_t (index)) : nullptr;
}
bool IsMediaItemSelected (MediaItem* item)
{
    BEGIN;
    return isWell && checked (item, __func__)->isSelected;
}
Take* GetActiveTake (MediaItem* item)
{
    BEGIN;
    return isWell ? checked (item, __func__)->active : nullptr;
}
bool TakeIsMIDI (Take* take)
{
    BEGIN;
    return isWell && checked (take, __func__)->source->kind == "MIDI";
}
Source* GetMediaItemTake_Source (Take* take)
{
    BEGIN;
    return isWell ? checked (take, __func__)->source : nullptr;
}
Source* GetMediaSourceParent (Source* source)
{
    BEGIN;
    return isWell ? source->parent : nullptr;
}
void GetMediaSourceType (Source* source, char* buffer, int size)
{
    fake->begin (__func__);
    copyText (source->kind, buffer, size);
}
void GetMediaSourceFileName (Source* source, char* buffer, int size)
{
    fake->begin (__func__);
    copyText (source->file, buffer, size);
}
double GetMediaSourceLength (Source* source, bool* isInQuarters)
{
    fake->begin (__func__);
    *isInQuarters = false;
    return source->length;
}
int GetMediaSourceSampleRate (Source* source)
{
    fake->begin (__func__);
    return source->rate;
}
int GetMediaSourceNumChannels (Source* source)
{
    fake->begin (__func__);
    return source->channels;
}
int GetTakeNumStretchMarkers (Take* take)
{
    fake->begin (__func__);
    return checked (take, __func__)->markers;
}
Track* GetMediaItem_Track (MediaItem* item)
{
    fake->begin (__func__);
    return checked (item, __func__)->track;
}

double GetMediaItemInfo_Value (MediaItem* item, const char* name)
{
    return get (item, name, __func__);
}
double GetMediaItemTakeInfo_Value (Take* take, const char* name)
{
    return get (take, name, __func__);
}
bool GetSetMediaItemInfo_String (MediaItem* item, const char* name, char* text, bool isSet)
{
    fake->begin (__func__);
    if (std::strcmp (name, "GUID") != 0 || isSet)
        fake->note (std::string (__func__) + ": " + name);
    return exchangeText (checked (item, __func__)->guid, text, false);
}
bool GetSetMediaItemTakeInfo_String (Take* take, const char* name, char* text, bool isSet)
{
    fake->begin (__func__);
    checked (take, __func__);
    if (isSet)
        fake->changing (of (take->item), __func__);
    if (std::strcmp (name, "P_NAME") == 0)
        return exchangeText (take->name, text, isSet);
    if (std::strcmp (name, "GUID") != 0 || isSet)
        fake->note (std::string (__func__) + ": " + name);
    return exchangeText (take->guid, text, false);
}
bool GetSetMediaTrackInfo_String (Track* track, const char* name, char* text, bool isSet)
{
    fake->begin (__func__);
    checked (track, __func__);
    if (isSet)
        fake->changing (track->project, __func__);
    if (std::strncmp (name, "P_EXT:", 6) == 0)
        return exchangeText (track->marks[name], text, isSet);
    if (std::strcmp (name, "P_NAME") == 0)
        return exchangeText (track->name, text, isSet);
    if (std::strcmp (name, "GUID") != 0 || isSet)
        fake->note (std::string (__func__) + ": " + name);
    return exchangeText (track->guid, text, false);
}

Accessor* CreateTakeAudioAccessor (Take* take)
{
    BEGIN;
    if (! isWell)
        return nullptr;
    ++fake->accessors;
    return new Accessor{ checked (take, __func__), take->values };
}
void DestroyAudioAccessor (Accessor* accessor)
{
    fake->begin (__func__);
    --fake->accessors;
    delete accessor;
}

/** Of a float32 file. */
std::vector<float> samplesOf (const std::string& path)
{
    const auto format = readWav (path);
    if (! format || format->frameBytes != 4 * format->channels)
    {
        fake->note (path + ": the stand-in plays only float32 files");
        return {};
    }
    std::vector<float> samples (std::size_t (format->samples * format->channels));
    std::ifstream file (pathOf (path), std::ios::binary);
    file.seekg (format->firstByte);
    file.read (reinterpret_cast<char*> (samples.data()), std::streamsize (samples.size() * 4));
    return samples;
}

/** The take's audio before volume, fades and effects, at whole samples; time 0 is the item's start. */
int GetAudioAccessorSamples (Accessor* accessor, int rate, int channels, double start, int count,
                             double* buffer)
{
    BEGIN;
    ++fake->slices;
    std::this_thread::sleep_for (std::chrono::milliseconds (fake->sliceMilliseconds));
    const auto& take = *checked (accessor->take, __func__);
    if (take.isOffline || ! isWell)
        return -1;
    const auto& root = take.source->parent != nullptr ? *take.source->parent : *take.source;
    if (rate != root.rate || channels != root.channels)
        fake->note ("GetAudioAccessorSamples: another format than the file's");
    const auto samples = samplesOf (root.file);
    const auto total = std::int64_t (samples.size()) / channels;
    const bool isLooped = take.item->values.at ("B_LOOPSRC") > 0;
    for (int index = 0; index < count; ++index)
    {
        const auto seconds = take.values.at ("D_STARTOFFS")
                             + (start + double (index) / rate) * take.values.at ("D_PLAYRATE");
        auto at = std::int64_t (std::floor (seconds * rate + 0.5));
        if (isLooped)
            at = ((at % total) + total) % total;
        if (at < 0 || at >= total)
            continue; // REAPER leaves the buffer alone
        const auto frame = take.source->isReversed ? total - 1 - at : at;
        for (int channel = 0; channel < channels; ++channel)
            buffer[index * channels + channel] =
                double (samples[std::size_t (frame * channels + channel)]);
    }
    return 1;
}
} // namespace

void* readingFunction (const std::string& wanted)
{
    STEMLASSO_REAPER_READS (STEMLASSO_OFFER)
    STEMLASSO_REAPER_RENDERS (STEMLASSO_OFFER)
    return nullptr;
}

} // namespace stemlasso::reaper
