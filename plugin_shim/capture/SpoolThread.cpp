#include "SpoolThread.h"

#include <algorithm>
#include <chrono>

#if defined(__linux__)
#include <pthread.h>
#endif

namespace stemlasso::capture
{

std::shared_ptr<SpoolThread> SpoolThread::shared()
{
    static std::mutex guard;
    static std::weak_ptr<SpoolThread>
        kept; // not the owner: nothing is joined when a module is unloaded
    const std::lock_guard lock (guard);
    auto thread = kept.lock();
    if (thread == nullptr)
        kept = thread = std::shared_ptr<SpoolThread> (new SpoolThread());
    return thread;
}

SpoolThread::SpoolThread()
{
    thread = std::thread ([this] { run(); });
}

SpoolThread::~SpoolThread()
{
    {
        const std::lock_guard lock (wakeMutex);
        isEnding = true;
    }
    woken.notify_one();
    thread.join();
}

void SpoolThread::add (Drained& drained)
{
    const std::lock_guard lock (listMutex);
    all.push_back (&drained);
}

void SpoolThread::remove (Drained& drained)
{
    const std::lock_guard lock (listMutex);
    std::erase (all, &drained);
}

void SpoolThread::wake()
{
    {
        const std::lock_guard lock (wakeMutex);
        isWoken = true;
    }
    woken.notify_one();
}

Drained::Load SpoolThread::drainAll()
{
    const std::lock_guard lock (listMutex);
    auto load = Drained::Load::idle;
    for (auto* each : all)
        load = std::max (load, each->drain());
    return load;
}

void SpoolThread::run()
{
    using namespace std::chrono_literals;
#if defined(__linux__)
    pthread_setname_np (pthread_self(), "stemlasso takes"); // for who looks what a DAW is doing
#endif
    for (;;)
    {
        const auto load = drainAll();
        if (load == Drained::Load::much)
            std::this_thread::yield(); // an instance that comes or goes has its turn
        const auto pause = load == Drained::Load::much   ? 0ms
                           : load == Drained::Load::some ? 4ms
                                                         : 30ms;
        std::unique_lock lock (wakeMutex);
        woken.wait_for (lock, pause, [this] { return isWoken || isEnding; });
        if (isEnding)
            return;
        isWoken = false;
    }
}

} // namespace stemlasso::capture
