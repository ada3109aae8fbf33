#pragma once

// Lowest and highest samples of a sound at several scales: written by the thread that reads the
// file, drawn from by the editor, while it grows.

#include <cstdint>
#include <mutex>
#include <vector>

namespace stemlasso::view
{

/** Lowest and highest sample of a column, in [-1, 1]. */
struct Extent
{
    float low = 0, high = 0;
};

class Peaks
{
public:
    static constexpr std::int64_t binSamples = 64; ///< of the finest scale
    static constexpr int mostChannels = 2;         ///< the others are not drawn

    explicit Peaks (int channels);

    /** Adds samples at the end. input: a pointer per drawn channel. One thread at a time. */
    void append (const float* const* input, int samples);

    std::int64_t samples() const;
    int channels() const { return channelCount; }
    /** The loudest sample of all. */
    float loudest() const;
    /** Extents of `columns` equal parts of [start, end) in samples; empty beyond the end. */
    std::vector<Extent> columns (int channel, double start, double end, int columns) const;

private:
    struct Bin
    {
        std::int16_t low = 0, high = 0;
    };
    static constexpr int levels = 4, fanOut = 8;

    void close (int channel, Extent);
    std::vector<Bin>& at (int channel, int level);
    const std::vector<Bin>& at (int channel, int level) const;

    const int channelCount;
    mutable std::mutex mutex;
    std::vector<std::vector<Bin>> bins; ///< [channel * levels + level]
    std::vector<Extent> open;           ///< of the bin that is not full yet, per channel
    std::int64_t total = 0;
    float top = 0;
};

} // namespace stemlasso::view
