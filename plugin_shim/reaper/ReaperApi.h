#pragma once

// REAPER's functions, each asked for by name and possibly missing: selected items become clips, and
// stems become items below their original. Only on REAPER's own main thread, which on Linux is not
// JUCE's message thread while no editor is open; see plugin/ReaperHost.h, which takes care of it.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace stemlasso::reaper
{

/** From one second to another of a clip's file. */
struct Stretch
{
    double startSeconds = 0, endSeconds = 0;

    bool operator== (const Stretch&) const = default;
};

/** What a selected item becomes: a file that can be separated, and where its stems belong. */
struct Item
{
    std::string guid;     ///< of the item, to find it again
    std::string takeGuid; ///< of the take that was read
    std::string file;     ///< the source, a stretch cut out of it, or a rendering of the item
    std::string name, trackName;
    std::string project;        ///< file of the project; empty while it was never saved
    double positionSeconds = 0; ///< of the item on the timeline
    double lengthSeconds = 0;   ///< of the item on the timeline
    double offsetSeconds = 0;   ///< from the file's start to the item's
    double playRate = 1;        ///< at which the file lies on the timeline; of a rendering 1
    double takeRate = 1;        ///< of the take when it was read
    double takeOffset = 0;      ///< of the take in its source when it was read, in seconds
    double startSeconds = 0;    ///< of the file's first sample on the timeline; may be negative
    bool isRendered = false;    ///< the file holds what the item plays, before volume and fades

    bool operator== (const Item&) const = default;
};

/** An item that can be separated, with what only matters while it is fresh. */
struct SelectedItem
{
    Item item;
    std::optional<Stretch> timeSelection; ///< where the time selection meets it, in its file
    std::string remark;                   ///< not empty: what its stems will lack, in words
    std::optional<double> tempoBpm = {};  ///< of the timeline, where the file runs in step with it
};

struct Selection
{
    std::vector<SelectedItem> items;
    std::vector<std::string> refusals; ///< in words, one per item that cannot be used
};

struct StemToInsert
{
    std::string path;
    std::string name;         ///< of the take
    std::string track;        ///< name of the track
    std::string colour;       ///< "#RRGGBB", or empty for none
    bool isCandidate = false; ///< becomes another take of the first stem's item
};

class SelectionRead;

class ReaperApi
{
public:
    using Lookup = std::function<void*(const char* name)>;
    /** Gives the project that the plug-in is part of; null for the one in front. */
    using Owner = std::function<void*()>;

    explicit ReaperApi (Lookup, Owner = {});
    ~ReaperApi();

    bool canRead() const;
    bool canInsert() const;

    /** Where the project keeps its media; empty where REAPER does not say. */
    std::string mediaFolder() const;

    /** The selected items as they are now, to be made into files a slice at a time. folder: where
        renderings and cuts are written; made when the first one is. */
    std::unique_ptr<SelectionRead> startReading (const std::string& folder) const;

    /** The same at once: it may take minutes. */
    Selection selectedItems (const std::string& folder) const;

    /** One undo step: new tracks under the item's own. The stems are copied below the project's
        media folder first. Returns words when it could not be done; then nothing was changed.
        jobId: so that the action "insert finished stems" does not insert them again. */
    std::string insert (const Item&, const std::vector<StemToInsert>&, bool muteOriginal,
                        const std::string& jobId = {}) const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts;
};

} // namespace stemlasso::reaper
