#include "PeakLoader.h"

#include "GrowingWav.h"

#include <algorithm>
#include <atomic>

namespace stemlasso
{

static constexpr int framesAtOnce = 1 << 15;
static constexpr std::size_t mostKept = 16;
static constexpr juce::uint32 retryMilliseconds = 2000;
static constexpr int growthMilliseconds = 60, patienceMilliseconds = 10000;

/** One file. Its reader belongs to the thread; the rest is shared. */
struct PeakLoader::Entry
{
    explicit Entry (juce::String file) : path (std::move (file)) {}

    const juce::String path;
    std::atomic<bool> isGrowing{ false }, isWhole{ false }, isUnreadable{ false };
    std::atomic<double> samples{ 0 };
    std::atomic<juce::uint32> triedAt{ 0 };
    std::shared_ptr<view::Peaks> peaks; ///< under the loader's mutex

    std::unique_ptr<juce::AudioFormatReader> reader;
    std::unique_ptr<GrowingWav> growing;
    std::int64_t position = 0;
};

PeakLoader::PeakLoader() : Thread ("StemLasso peaks") { formats.registerBasicFormats(); }

PeakLoader::~PeakLoader() { stopThread (patienceMilliseconds); }

void PeakLoader::want (const std::vector<Wanted>& files)
{
    auto isNew = false;
    {
        const std::lock_guard lock (mutex);
        for (auto file = files.rbegin(); file != files.rend(); ++file)
        {
            auto found = std::find_if (entries.begin(), entries.end(),
                                       [&] (const auto& each) { return each->path == file->path; });
            // A file that could not be read may have been put back.
            if (found != entries.end() && (*found)->isUnreadable
                && juce::Time::getMillisecondCounter() - (*found)->triedAt > retryMilliseconds)
            {
                entries.erase (found);
                found = entries.end();
            }
            if (found == entries.end())
            {
                entries.push_front (std::make_shared<Entry> (file->path));
                isNew = true;
            }
            else
                entries.splice (entries.begin(), entries, found);
            entries.front()->isGrowing = file->isGrowing;
        }
        while (entries.size() > std::max (mostKept, files.size()))
            entries.pop_back();
    }
    if (isNew && ! isThreadRunning())
        startThread();
    if (isNew)
        notify();
}

PeakLoader::Picture PeakLoader::picture (const juce::String& path) const
{
    const std::lock_guard lock (mutex);
    for (const auto& each : entries)
        if (each->path == path)
            return { each->peaks, each->samples, each->isWhole, each->isUnreadable };
    return {};
}

std::shared_ptr<PeakLoader::Entry> PeakLoader::next() const
{
    const std::lock_guard lock (mutex);
    for (const auto& each : entries)
        if (! each->isWhole && ! each->isUnreadable)
            return each;
    return nullptr;
}

void PeakLoader::run()
{
    while (! threadShouldExit())
    {
        const auto entry = next();
        if (entry == nullptr)
            wait (-1);
        else if (! readSome (*entry))
            wait (growthMilliseconds);
    }
}

/** Reads a stretch; false when there is nothing more of a growing file for now. */
bool PeakLoader::readSome (Entry& entry)
{
    const auto wasGrowing = entry.isGrowing.load();
    if (entry.growing == nullptr && entry.reader == nullptr)
    {
        if (wasGrowing)
            entry.growing = GrowingWav::open (juce::File (entry.path));
        else
            entry.reader.reset (formats.createReaderFor (juce::File (entry.path)));
        if (entry.growing == nullptr && entry.reader == nullptr)
        {
            // Of a take that has just begun there may be no header yet.
            entry.triedAt = juce::Time::getMillisecondCounter();
            entry.isUnreadable = ! wasGrowing;
            return false;
        }
        const auto channels =
            entry.growing != nullptr ? entry.growing->channels() : int (entry.reader->numChannels);
        auto peaks = std::make_shared<view::Peaks> (channels);
        const std::lock_guard lock (mutex);
        entry.peaks = std::move (peaks);
    }
    const auto drawn = entry.peaks->channels();
    juce::AudioBuffer<float> buffer (drawn, framesAtOnce);
    auto count = 0;
    if (entry.growing != nullptr)
        count = entry.growing->read (entry.position, buffer);
    else
    {
        entry.samples = double (entry.reader->lengthInSamples);
        count = int (
            std::min<std::int64_t> (framesAtOnce, entry.reader->lengthInSamples - entry.position));
        if (count > 0 && ! entry.reader->read (&buffer, 0, count, entry.position, true, drawn > 1))
            count = 0;
    }
    entry.peaks->append (buffer.getArrayOfReadPointers(), std::max (count, 0));
    entry.position += std::max (count, 0);
    if (entry.growing != nullptr)
        entry.samples = double (entry.position);
    if (count > 0)
        return true;
    // Asked before the last read, so that the rest of a take that has ended is not missed.
    entry.isWhole = ! wasGrowing;
    if (entry.isWhole)
    {
        entry.reader.reset();
        entry.growing.reset();
    }
    return false;
}

} // namespace stemlasso
