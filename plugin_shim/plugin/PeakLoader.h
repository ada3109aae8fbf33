#pragma once

// Reads the files on the screen, in a thread of its own that is gone with the editor.

#include "view/Peaks.h"

#include <juce_audio_formats/juce_audio_formats.h>

#include <list>

namespace stemlasso
{

class PeakLoader final : private juce::Thread
{
public:
    /** A file to be drawn. */
    struct Wanted
    {
        juce::String path;
        bool isGrowing = false; ///< a take that is being captured
    };

    /** What there is of a file so far. */
    struct Picture
    {
        std::shared_ptr<const view::Peaks> peaks; ///< none: nothing was read yet
        double samples = 0;                       ///< of the file, as far as is known
        bool isWhole = false;
        bool isUnreadable = false; ///< not a format that can be drawn, or gone
    };

    PeakLoader();
    ~PeakLoader() override;

    /** Message thread, at any rate: reads these, in this order, and keeps a few that were wanted
        before. The thread starts with the first one. */
    void want (const std::vector<Wanted>&);
    Picture picture (const juce::String& path) const;

private:
    struct Entry;
    void run() override;
    std::shared_ptr<Entry> next() const;
    bool readSome (Entry&);

    juce::AudioFormatManager formats;
    mutable std::mutex mutex;
    std::list<std::shared_ptr<Entry>> entries; ///< those wanted last come first

    JUCE_DECLARE_NON_COPYABLE_WITH_LEAK_DETECTOR (PeakLoader)
};

} // namespace stemlasso
