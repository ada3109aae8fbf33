#pragma once

// The selected items on their way to files, a slice at a time. REAPER's main thread only.

#include "Making.h"

#include <chrono>

namespace stemlasso::reaper
{

class SelectionRead
{
public:
    using Lookup = std::function<void*(const char* name)>;

    /** Describes what is selected now. project: null for the one in front. */
    SelectionRead (Lookup, Project*, const std::string& folder);

    /** Works for about so long, at least for one slice; whether all is done. */
    bool advance (std::chrono::steady_clock::duration);
    /** Leaves it at what is made. */
    void cancel();

    /** What takes so long, in words. */
    std::string progress() const;
    /** In the order of the project. */
    Selection result() const;

private:
    struct Entry
    {
        std::unique_ptr<Making> making;
        std::string why, remark;           ///< why: it cannot be used
        std::optional<Stretch> onTimeline; ///< of the time selection, from the item's start
        std::optional<double> tempoBpm;    ///< of the timeline, where it is one
        double position = 0;               ///< when the tempo was asked for
    };

    void add (MediaItem*, const std::string& folder);
    bool isDone() const { return next == entries.size(); }
    SelectedItem asSelected (const Entry&) const;

    Lookup lookup;
    Functions reaper;
    Project* project;
    std::string file; ///< of the project
    std::vector<Entry> entries;
    std::size_t next = 0;
    std::string refusal; ///< of everything
};

} // namespace stemlasso::reaper
