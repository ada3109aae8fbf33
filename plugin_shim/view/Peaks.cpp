#include "Peaks.h"

#include <algorithm>
#include <cmath>

namespace stemlasso::view
{

static std::int16_t packed (float value)
{
    if (! (std::abs (value) <= 1)) // not a number as well
        return value > 0 ? 32767 : value < 0 ? -32767 : 0;
    return std::int16_t (std::lround (value * 32767));
}

Peaks::Peaks (int channels)
    : channelCount (std::clamp (channels, 1, mostChannels)),
      bins (std::size_t (channelCount * levels)), open (std::size_t (channelCount))
{
}

std::vector<Peaks::Bin>& Peaks::at (int channel, int level)
{
    return bins[std::size_t (channel * levels + level)];
}

const std::vector<Peaks::Bin>& Peaks::at (int channel, int level) const
{
    return bins[std::size_t (channel * levels + level)];
}

void Peaks::append (const float* const* input, int samples)
{
    const std::lock_guard lock (mutex);
    for (int channel = 0; channel < channelCount; ++channel)
    {
        auto& extent = open[std::size_t (channel)];
        auto filled = total % binSamples;
        for (int i = 0; i < samples; ++i)
        {
            const auto value = input[channel][i];
            extent = filled == 0
                         ? Extent{ value, value }
                         : Extent{ std::min (extent.low, value), std::max (extent.high, value) };
            if (std::abs (value) > top)
                top = std::min (std::abs (value), 1.0f);
            if (++filled == binSamples)
            {
                close (channel, extent);
                filled = 0;
            }
        }
    }
    total += samples;
}

void Peaks::close (int channel, Extent extent)
{
    at (channel, 0).push_back ({ packed (extent.low), packed (extent.high) });
    for (int level = 1; level < levels; ++level)
    {
        const auto& finer = at (channel, level - 1);
        if (finer.size() % fanOut != 0)
            return;
        auto wide = finer.back();
        for (auto i = finer.size() - fanOut; i < finer.size(); ++i)
        {
            wide.low = std::min (wide.low, finer[i].low);
            wide.high = std::max (wide.high, finer[i].high);
        }
        at (channel, level).push_back (wide);
    }
}

std::int64_t Peaks::samples() const
{
    const std::lock_guard lock (mutex);
    return total;
}

float Peaks::loudest() const
{
    const std::lock_guard lock (mutex);
    return top;
}

std::vector<Extent> Peaks::columns (int channel, double start, double end, int count) const
{
    std::vector<Extent> extents (std::size_t (std::max (count, 0)));
    const auto step = (end - start) / std::max (count, 1);
    // The coarsest scale that still has a bin for every column.
    auto level = 0;
    auto size = double (binSamples);
    while (level + 1 < levels && size * fanOut <= step)
    {
        ++level;
        size *= fanOut;
    }
    const std::lock_guard lock (mutex);
    const auto& row = at (channel, level);
    for (std::size_t i = 0; i < extents.size(); ++i)
    {
        const auto from = std::max (std::floor ((start + step * double (i)) / size), 0.0);
        const auto to = std::max (std::ceil ((start + step * double (i + 1)) / size), from + 1);
        const auto last = std::min (to, double (row.size()));
        if (from >= last)
            continue;
        auto low = row[std::size_t (from)].low, high = row[std::size_t (from)].high;
        for (auto k = std::size_t (from) + 1; k < std::size_t (last); ++k)
        {
            low = std::min (low, row[k].low);
            high = std::max (high, row[k].high);
        }
        extents[i] = { float (low) / 32767, float (high) / 32767 };
    }
    return extents;
}

} // namespace stemlasso::view
