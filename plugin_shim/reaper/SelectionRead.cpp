#include "SelectionRead.h"

#include <algorithm>
#include <cmath>

namespace stemlasso::reaper
{

namespace
{
constexpr double fastestBpm = 1000; ///< that the wire has
constexpr double steady = 1e-6;
constexpr int tempoPieces = 16;

/** Where the time selection meets the item, in seconds after the item's start. */
std::optional<Stretch> selectedStretch (const Functions& reaper, Project* project, const Item& item)
{
    double start = 0, end = 0;
    if (reaper.GetSet_LoopTimeRange2 == nullptr)
        return {};
    reaper.GetSet_LoopTimeRange2 (project, false, false, &start, &end, false);
    start = std::max (start - item.positionSeconds, 0.0);
    end = std::min (end - item.positionSeconds, item.lengthSeconds);
    return end > start ? std::optional (Stretch{ start, end }) : std::nullopt;
}

/** The same in the item's file. */
std::optional<Stretch> inFile (const Item& item, const std::optional<Stretch>& onTimeline)
{
    const auto format = onTimeline ? readWav (item.file) : std::nullopt;
    if (! format)
        return {};
    const auto fileSeconds = double (format->samples) / format->sampleRate;
    const Stretch stretch{ timeInFile (item, onTimeline->startSeconds, fileSeconds),
                           timeInFile (item, onTimeline->endSeconds, fileSeconds) };
    return stretch.endSeconds > stretch.startSeconds ? std::optional (stretch) : std::nullopt;
}

/** Quarter notes a minute below the item, where they are the same all along. Counted off the
    timeline: REAPER's own number for a time is doubled in a /8 signature. */
std::optional<double> tempoOf (const Functions& reaper, Project* project, const Item& item)
{
    if (reaper.TimeMap_timeToQN_abs == nullptr || ! (item.lengthSeconds > 0))
        return {};
    const auto piece = item.lengthSeconds / tempoPieces;
    double before = reaper.TimeMap_timeToQN_abs (project, item.positionSeconds), first = 0;
    for (int index = 1; index <= tempoPieces; ++index)
    {
        const auto now =
            reaper.TimeMap_timeToQN_abs (project, item.positionSeconds + index * piece);
        const auto bpm = 60 * (now - before) / piece;
        if (! (bpm > 0 && bpm <= fastestBpm)
            || (index > 1 && std::abs (bpm - first) > steady * first))
            return {};
        first = index == 1 ? bpm : first;
        before = now;
    }
    return std::round (first * 1e6) / 1e6;
}

std::string remarkOn (const Functions& reaper, const Found& found)
{
    if (reaper.TakeFX_GetCount == nullptr || reaper.TakeFX_GetCount (found.take) == 0)
        return {};
    return found.asItem.name
           + ": its take effects are not in what is sent, and not on the stems; "
             "copy them, or render the item first.";
}
} // namespace

SelectionRead::SelectionRead (Lookup lookupToUse, Project* projectToUse, const std::string& folder)
    : lookup (std::move (lookupToUse)), reaper (lookup),
      project (projectToUse != nullptr ? projectToUse : frontProject (reaper))
{
    if (const auto missing = reaper.missingToRead(); ! missing.empty())
    {
        refusal = "This REAPER has no " + missing + ", which reading items needs; update REAPER.";
        return;
    }
    file = projectFile (reaper, project);
    const auto count = reaper.CountMediaItems (project);
    for (int index = 0; index < count; ++index)
        if (auto* item = reaper.GetMediaItem (project, index);
            item != nullptr && reaper.IsMediaItemSelected (item))
            add (item, folder);
    if (entries.empty())
        refusal = "Select one or more audio items first.";
}

void SelectionRead::add (MediaItem* item, const std::string& folder)
{
    Found found;
    auto why = describe (reaper, item, found);
    const bool isGood = why.empty();
    const auto& known = found.asItem;
    auto remark = isGood ? remarkOn (reaper, found) : std::string();
    const auto stretch = isGood ? selectedStretch (reaper, project, known) : std::nullopt;
    const auto tempo = isGood ? tempoOf (reaper, project, known) : std::nullopt;
    entries.push_back ({ std::make_unique<Making> (reaper, project, found, folder), std::move (why),
                         std::move (remark), stretch, tempo, known.positionSeconds });
}

bool SelectionRead::advance (std::chrono::steady_clock::duration time)
{
    const auto end = std::chrono::steady_clock::now() + time;
    reaper = Functions (lookup); // the project, and REAPER, may have changed since the last turn
    while (! isDone())
    {
        auto& entry = entries[next];
        if (entry.why.empty() && ! entry.making->isDone())
            entry.why = entry.making->step();
        if (! entry.why.empty())
            entry.making.reset(); // and with it what there is of its file
        if (entry.making == nullptr || entry.making->isDone())
            ++next;
        if (std::chrono::steady_clock::now() >= end)
            break;
    }
    return isDone();
}

void SelectionRead::cancel()
{
    if (isDone())
        return;
    refusal = "Cancelled: " + std::to_string (next) + " of " + std::to_string (entries.size())
              + " items were read.";
    entries.erase (entries.begin() + std::ptrdiff_t (next), entries.end());
}

std::string SelectionRead::progress() const
{
    if (isDone())
        return {};
    const auto& making = *entries[next].making;
    const auto& item = making.found.asItem;
    auto words =
        (making.found.renderedBecause.empty() ? "Copying " : "REAPER renders ") + item.name;
    if (entries.size() > 1)
        words += " (" + std::to_string (next + 1) + " of " + std::to_string (entries.size()) + ")";
    return words + ": " + std::to_string (int (100 * making.progress())) + " %";
}

SelectedItem SelectionRead::asSelected (const Entry& entry) const
{
    auto item = entry.making->found.asItem;
    item.project = file;
    // a file at another rate does not run in step with the timeline
    const auto isInStep = item.playRate == 1 && item.positionSeconds == entry.position;
    return { item, inFile (item, entry.onTimeline), entry.remark,
             isInStep ? entry.tempoBpm : std::nullopt };
}

Selection SelectionRead::result() const
{
    Selection selection;
    for (const auto& entry : entries)
        if (! entry.why.empty())
            selection.refusals.push_back (entry.why);
        else if (entry.making->isDone())
            selection.items.push_back (asSelected (entry));
    if (! refusal.empty())
        selection.refusals.push_back (refusal);
    return selection;
}

} // namespace stemlasso::reaper
