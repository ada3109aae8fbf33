#include "Reading.h"

#include "Wav.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace stemlasso::reaper
{

namespace
{
constexpr int mostChannels = 32;
constexpr double mostRenderedSeconds = 1200;
constexpr double near = 1e-9;
constexpr int mostParents = 100;

Source* rootOf (const Functions& reaper, Source* source)
{
    for (int depth = 0; depth < mostParents; ++depth)
    {
        auto* parent = reaper.GetMediaSourceParent (source);
        if (parent == nullptr)
            break;
        source = parent;
    }
    return source;
}

std::string typeOf (const Functions& reaper, Source* source)
{
    std::array<char, 64> type{};
    reaper.GetMediaSourceType (source, type.data(), int (type.size()));
    return type.data();
}

std::string fileOf (const Functions& reaper, Source* source)
{
    std::array<char, 8192> file{};
    reaper.GetMediaSourceFileName (source, file.data(), int (file.size()));
    return file.data();
}

std::string nameOf (const std::string& takeName, const std::string& file)
{
    auto name = takeName;
    if (name.empty())
        name = file.substr (file.find_last_of ("/\\") + 1);
    const auto dot = name.rfind ('.');
    const auto isSuffix =
        dot != std::string::npos && dot > 0 && dot + 1 < name.size()
        && std::all_of (name.begin() + std::ptrdiff_t (dot) + 1, name.end(),
                        [] (unsigned char letter) { return std::isalnum (letter) != 0; });
    return isSuffix ? name.substr (0, dot) : name;
}

std::string silenceOf (const std::string& type)
{
    if (type == "MIDI" || type == "MIDIPOOL")
        return "it is MIDI";
    if (type == "EMPTY")
        return "it holds no audio";
    if (type == "CLICK")
        return "it is a click source";
    return type == "LTC" ? "it is a timecode source" : "";
}

std::string whyRendered (const Functions& reaper, const Found& found, Source* source)
{
    const auto& item = found.asItem;
    bool isInQuarters = false;
    const auto lengthSeconds = reaper.GetMediaSourceLength (source, &isInQuarters);
    const auto end = item.takeOffset + item.lengthSeconds * item.takeRate;
    const auto isLooped = reaper.GetMediaItemInfo_Value (found.item, "B_LOOPSRC") >= 0.5;
    if (typeOf (reaper, source) == "SECTION" || rootOf (reaper, source) != source)
        return "it is reversed or a section";
    if (isLooped && (item.takeOffset < -near || end > lengthSeconds + 1.0 / found.sampleRate))
        return "it is looped";
    if (reaper.GetTakeNumStretchMarkers (found.take) > 0)
        return "it has stretch markers";
    return readWav (item.file) ? "" : "it is not linear PCM in a WAV file";
}

void measure (const Functions& reaper, Found& found)
{
    auto& item = found.asItem;
    item.guid = textOf (reaper, found.item, "GUID");
    item.takeGuid = textOf (reaper, found.take, "GUID");
    item.trackName = textOf (reaper, reaper.GetMediaItem_Track (found.item), "P_NAME");
    item.positionSeconds = reaper.GetMediaItemInfo_Value (found.item, "D_POSITION");
    item.lengthSeconds = reaper.GetMediaItemInfo_Value (found.item, "D_LENGTH");
    item.takeOffset = reaper.GetMediaItemTakeInfo_Value (found.take, "D_STARTOFFS");
    item.takeRate = reaper.GetMediaItemTakeInfo_Value (found.take, "D_PLAYRATE");
    if (! (item.takeRate > 0))
        item.takeRate = 1;
}
} // namespace

std::string describe (const Functions& reaper, MediaItem* mediaItem, Found& found)
{
    found = {};
    found.item = mediaItem;
    found.take = reaper.GetActiveTake (mediaItem);
    if (found.take == nullptr)
        return "an item without a take: there is no audio in it";
    if (reaper.TakeIsMIDI (found.take))
        return "a MIDI item: render it to audio first";
    auto* source = reaper.GetMediaItemTake_Source (found.take);
    if (source == nullptr)
        return "an item without a source: there is no audio in it";
    auto* root = rootOf (reaper, source);
    auto& item = found.asItem;
    item.file = fileOf (reaper, root);
    item.name = nameOf (textOf (reaper, found.take, "P_NAME"), item.file);
    const auto silence = silenceOf (typeOf (reaper, source));
    std::error_code ignored;
    if (! silence.empty())
        return item.name + ": " + silence + "; render it to audio first";
    if (item.file.empty())
        return item.name + ": it has no file; render it to audio first";
    if (! std::filesystem::is_regular_file (pathOf (item.file), ignored))
        return item.name + ": its file is missing: " + item.file;
    found.sampleRate = reaper.GetMediaSourceSampleRate (root);
    found.channels = std::min (reaper.GetMediaSourceNumChannels (root), mostChannels);
    if (found.sampleRate < 1 || found.channels < 1)
        return item.name + ": REAPER finds no audio in " + item.file;
    measure (reaper, found);
    found.renderedBecause = whyRendered (reaper, found, source);
    if (! found.renderedBecause.empty() && item.lengthSeconds > mostRenderedSeconds)
        return item.name + ": " + found.renderedBecause + " and longer than "
               + std::to_string (int (mostRenderedSeconds / 60))
               + " minutes; glue it first (Item: Glue items)";
    return {};
}

double timeInFile (const Item& item, double itemSeconds, double fileSeconds)
{
    return std::clamp (item.offsetSeconds + itemSeconds * item.playRate, 0.0, fileSeconds);
}

} // namespace stemlasso::reaper
