#pragma once

// The one thread of this process that takes captured audio out of the rings of all instances. It
// looks for audio every few milliseconds: so no audio thread ever has to wake it.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace stemlasso::capture
{

/** What the thread calls. */
class Drained
{
public:
    virtual ~Drained() = default;
    enum class Load
    {
        idle,
        some,
        much ///< look again at once
    };
    virtual Load drain() = 0;
};

class SpoolThread
{
public:
    /** Made when the first instance gets ready to play, and gone with the last one. */
    static std::shared_ptr<SpoolThread> shared();
    ~SpoolThread();

    void add (Drained&);
    /** Returns when it is not being drained, and never will be again. */
    void remove (Drained&);
    /** Looks at once; returns at once, whatever is being drained. */
    void wake();

private:
    SpoolThread();
    void run();
    Drained::Load drainAll();

    std::mutex listMutex; ///< held while they are drained, so for as long as a disk hangs
    std::vector<Drained*> all;

    std::mutex wakeMutex; ///< held for a moment only
    std::condition_variable woken;
    bool isEnding = false, isWoken = false;

    std::thread thread;
};

} // namespace stemlasso::capture
