#pragma once

// The folder of takes. Which of them may be deleted, and when:
//
// A take is *loose* as long as no saved state can refer to it: a file NAME.wav.loose says so beside
// it. Whoever writes a take's path into a state that a host may keep calls `keep` before, which takes
// that file away. Only loose takes are ever deleted: those older than 30 days, and when all loose
// ones together are larger than 20 GB the oldest, but none of the last day. Kept ones stay until the
// user deletes them, for nobody knows all projects on all disks.

#include <chrono>
#include <cstdint>
#include <string>

namespace stemlasso::capture
{

struct SpoolLimits
{
    std::chrono::hours oldest{ 24 * 30 };
    std::chrono::hours spared{ 24 };
    std::uint64_t looseBytes = 20'000'000'000;
};

class Spool
{
public:
    explicit Spool (std::string folder);

    /** Makes the folder for this user alone. Words when it cannot be used. */
    std::string open() const;
    /** Brings takes in order that a crash left unfinished, deletes what has nothing in it and nobody
        writes, and deletes loose takes by the rule. */
    void tidy (const SpoolLimits&) const;

    /** A free name for a take that begins now, without folder, such as `2026-11-27 16.05.12 take 3
        1f2e.wav`. */
    static std::string newName (std::uint64_t number);
    /** Where a take of this name is written until it is whole. */
    std::string unfinished (const std::string& name) const;
    /** Marks it as loose. */
    void loosen (const std::string& name) const;
    /** Gives it its own name once it is whole; its path, and nothing when the file is gone. */
    std::string finish (const std::string& name) const;
    /** It has nothing in it. */
    void discard (const std::string& name) const;

    /** path: of a take, or of any other file, which is left alone. Thread-safe. */
    static void keep (const std::string& path);

private:
    void repair (const SpoolLimits&) const;
    void prune (const SpoolLimits&) const;

    std::string folder;
};

/** The folder of this user's takes: `$STEMLASSO_HOME/spool`, or beside the store. Empty when the
    system names no folder. */
std::string defaultSpoolFolder();

} // namespace stemlasso::capture
