#include "Making.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace stemlasso::reaper
{

namespace
{
constexpr std::int64_t sliceSamples = 8192;
constexpr double near = 1e-9;

/** A new file in `folder` that no other has or is about to have, named after the item. */
std::string freshFile (const std::string& folder, const std::string& name)
{
    const auto clean = cleanName (name);
    std::error_code ignored;
    std::filesystem::create_directories (pathOf (folder), ignored);
    const auto isTaken = [&] (const std::string& path)
    {
        return std::filesystem::exists (pathOf (path), ignored)
               || std::filesystem::exists (pathOf (partOf (path)), ignored);
    };
    auto path = folder + "/" + clean + ".wav";
    for (int number = 2; isTaken (path); ++number)
        path = folder + "/" + clean + " " + std::to_string (number) + ".wav";
    return path;
}
} // namespace

Making::Making (const Functions& functions, Project* projectToUse, Found described,
                std::string folderToUse)
    : found (std::move (described)), reaper (functions), project (projectToUse),
      folder (std::move (folderToUse))
{
}

Making::~Making()
{
    if (accessor != nullptr && reaper.DestroyAudioAccessor != nullptr)
        reaper.DestroyAudioAccessor (accessor);
}

std::string Making::step()
{
    if (! isBegun)
    {
        isBegun = true;
        return begin();
    }
    if (rendering != nullptr)
        return renderSlice();
    if (isMade || cut == nullptr)
        return {};
    const auto why = cut->step();
    isMade = cut->isDone();
    return why;
}

double Making::progress() const
{
    if (rendering != nullptr)
        return double (done) / double (samples);
    return isMade || cut == nullptr ? double (isMade) : cut->progress();
}

std::string Making::begin()
{
    return found.renderedBecause.empty() ? beginCut() : beginRendering();
}

std::string Making::beginCut()
{
    constexpr double rounding = 1e-6;
    auto& item = found.asItem;
    const auto format = readWav (item.file);
    if (! format)
        return item.name + ": its file changed while it was read: " + item.file;
    const auto rate = double (format->sampleRate);
    const auto first =
        std::max (std::int64_t (std::floor (item.takeOffset * rate + rounding)), std::int64_t (0));
    const auto end = item.takeOffset + item.lengthSeconds * item.takeRate;
    const auto stop = std::min (std::int64_t (std::ceil (end * rate - rounding)), format->samples);
    if (stop <= first)
        return item.name + ": it lies beyond the end of its file; there is no audio in it";
    isMade = first == 0 && stop == format->samples;
    if (! isMade)
    {
        path = freshFile (folder, item.name);
        cut = std::make_unique<WavCut> (item.file, *format, first, stop, path);
        item.file = path;
    }
    item.playRate = item.takeRate;
    item.offsetSeconds = item.takeOffset - double (first) / rate;
    item.startSeconds = item.positionSeconds - item.offsetSeconds / item.takeRate;
    return {};
}

std::string Making::beginRendering()
{
    const auto& item = found.asItem;
    if (const auto why = whyNotNow(); ! why.empty())
        return item.name + ": " + why;
    samples = std::llround (item.lengthSeconds * found.sampleRate);
    if (samples < 1)
        return item.name + ": it is shorter than a sample";
    accessor = reaper.CreateTakeAudioAccessor (found.take);
    if (accessor == nullptr)
        return item.name + ": REAPER gives no audio for it; glue it first (Item: Glue items)";
    path = freshFile (folder, item.name);
    rendering = std::make_unique<FloatWav> (path, found.sampleRate, found.channels, samples);
    block.resize (std::size_t (sliceSamples) * std::size_t (found.channels));
    return {};
}

std::string Making::renderSlice()
{
    const auto& item = found.asItem;
    if (const auto why = whyNotNow(); ! why.empty())
        return item.name + ": " + why;
    const auto count = std::min (sliceSamples, samples - done);
    std::fill (block.begin(), block.end(), 0.0); // it leaves the block alone where it is silent
    if (reaper.GetAudioAccessorSamples (accessor, found.sampleRate, found.channels,
                                        double (done) / found.sampleRate, int (count), block.data())
        < 0)
        return item.name + ": REAPER cannot read its audio; is the media offline?";
    rendering->write (block, std::size_t (count) * std::size_t (found.channels));
    done += count;
    return done < samples ? std::string() : finishRendering();
}

std::string Making::finishRendering()
{
    reaper.DestroyAudioAccessor (std::exchange (accessor, nullptr));
    auto& item = found.asItem;
    item.positionSeconds = reaper.GetMediaItemInfo_Value (found.item, "D_POSITION"); // now
    item.file = path;
    item.offsetSeconds = 0;
    item.playRate = 1;
    item.startSeconds = item.positionSeconds;
    item.isRendered = true;
    const auto why = rendering->keep();
    isMade = why.empty();
    return why;
}

/** Why what was described cannot be rendered, or no longer, in words. */
std::string Making::whyNotNow() const
{
    const auto& item = found.asItem;
    for (const auto& name : { reaper.missingToRender(), reaper.missingToRead() })
        if (! name.empty())
            return found.renderedBecause + ", and this REAPER has no " + name
                   + "; glue it first (Item: Glue items)";
    if (! isOpen (reaper, project))
        return "its project was closed before it was rendered";
    if (! isThere (reaper, project, found.item, item.guid))
        return "it was deleted before it was rendered";
    const auto isLike = [] (double one, double other) { return std::abs (one - other) < near; };
    const auto ofTake = [this] (const char* field)
    { return reaper.GetMediaItemTakeInfo_Value (found.take, field); };
    const bool isSame =
        isThere (reaper, project, found.item, found.take, item.takeGuid)
        && isLike (reaper.GetMediaItemInfo_Value (found.item, "D_LENGTH"), item.lengthSeconds)
        && isLike (ofTake ("D_STARTOFFS"), item.takeOffset)
        && isLike (ofTake ("D_PLAYRATE") > 0 ? ofTake ("D_PLAYRATE") : 1, item.takeRate);
    const bool isChanged = accessor != nullptr && reaper.AudioAccessorStateChanged != nullptr
                           && reaper.AudioAccessorStateChanged (accessor);
    return isSame && ! isChanged ? "" : "it was changed before it was rendered; use it again";
}

} // namespace stemlasso::reaper
