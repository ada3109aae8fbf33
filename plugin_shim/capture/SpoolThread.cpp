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
        const std::lock_guard lock (mutex);
        isEnding = true;
    }
    woken.notify_one();
    thread.join();
}

void SpoolThread::add (Drained& drained)
{
    const std::lock_guard lock (mutex);
    all.push_back (&drained);
}

void SpoolThread::remove (Drained& drained)
{
    const std::lock_guard lock (mutex);
    std::erase (all, &drained);
}

void SpoolThread::wake()
{
    {
        const std::lock_guard lock (mutex);
        isWoken = true;
    }
    woken.notify_one();
}

void SpoolThread::run()
{
    using namespace std::chrono_literals;
#if defined(__linux__)
    pthread_setname_np (pthread_self(), "stemlasso takes"); // for who looks what a DAW is doing
#endif
    std::unique_lock lock (mutex);
    while (! isEnding)
    {
        auto load = Drained::Load::idle;
        for (auto* each : all)
            load = std::max (load, each->drain());
        if (load == Drained::Load::much)
        {
            lock.unlock(); // or an instance that comes or goes would have to wait for a pause
            std::this_thread::yield();
            lock.lock();
            continue;
        }
        const auto pause = load == Drained::Load::some ? 4ms : 30ms;
        woken.wait_for (lock, pause, [this] { return isWoken || isEnding; });
        isWoken = false;
    }
}

} // namespace stemlasso::capture
