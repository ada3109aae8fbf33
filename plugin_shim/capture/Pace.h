#pragma once

// How fast audio comes. Some hosts render faster than real time and do not say so (Ardour when it
// bounces or freezes a track): those can be made to wait, as real time never can.

#include <array>
#include <chrono>
#include <cstdint>

namespace stemlasso::capture
{

using Clock = std::chrono::steady_clock::time_point (*)() noexcept;

class Pace
{
public:
    explicit Pace (Clock clockToUse) : now (clockToUse) {}

    /** A ring of so many frames is filled from now on. */
    void start (double rate, std::uint64_t capacity)
    {
        const auto partSeconds = double (capacity / parts) / rate;
        most = std::chrono::duration<double> (partSeconds * (parts - 1) / hurry);
        part = capacity / parts;
        left = part;
        stamps.fill ({});
    }

    /** Audio thread: so many frames came. */
    void add (std::uint64_t frames) noexcept
    {
        for (; frames >= left; left = part)
        {
            frames -= left;
            stamps[next] = now();
            next = (next + 1) % parts;
        }
        left -= frames;
    }

    /** Audio thread, when the ring is full: whether it was filled in a third of the time that real
        time needs, or less. */
    bool isHurried() const noexcept { return now() - stamps[next] < most; }

private:
    static constexpr std::uint64_t parts = 8;
    static constexpr double hurry = 3;

    const Clock now;
    std::uint64_t part = 1, left = 1;
    std::chrono::duration<double> most{ 0 };
    std::array<std::chrono::steady_clock::time_point, parts>
        stamps{};         ///< of each part's last frame
    std::size_t next = 0; ///< the oldest of them
};

} // namespace stemlasso::capture
