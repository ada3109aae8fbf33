#pragma once

// REAPER's functions, each asked for by name and possibly missing. Only on the message thread.

#include <functional>
#include <string>
#include <vector>

namespace stemlasso::reaper
{

/** What a selected item becomes: a file that can be separated, and where its stems belong. */
struct Item
{
    std::string guid; ///< of the item, to find it again
    std::string file; ///< the source, or a rendering of the item where it cannot be used as it is
    std::string name, trackName;
    double positionSeconds = 0; ///< on the timeline
    double lengthSeconds = 0;   ///< on the timeline
    double offsetSeconds = 0;   ///< into the file
    double playRate = 1;
};

struct Selection
{
    std::vector<Item> items;
    std::vector<std::string> refusals; ///< in words, one per item that cannot be used
};

struct StemToInsert
{
    std::string path, name; ///< name: of the track or take
    bool isCandidate = false;
};

class ReaperApi
{
public:
    using Lookup = std::function<void*(const char* name)>;
    explicit ReaperApi (Lookup);

    bool canRead() const;
    bool canInsert() const;
    /** folder: where renderings and cuts are written. */
    Selection selectedItems (const std::string& folder) const;
    /** One undo step: new tracks under the item's own. Returns words when it could not be done, and
        then nothing was changed. */
    std::string insert (const Item&, const std::vector<StemToInsert>&, bool muteOriginal) const;

private:
    Lookup lookup;
};

} // namespace stemlasso::reaper
