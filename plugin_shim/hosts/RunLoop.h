#pragma once

// The loop of a host's main thread: what it watches itself, and what plug-ins ask it to watch.

#include "Vst3Objects.h"

#include <pluginterfaces/gui/iplugview.h>

#include <chrono>
#include <functional>
#include <vector>

namespace stemlasso::hosting
{

class RunLoop final : public Owned<Steinberg::Linux::IRunLoop>
{
public:
    using Handler = Steinberg::Linux::IEventHandler;
    using Timer = Steinberg::Linux::ITimerHandler;
    using Milliseconds = std::chrono::milliseconds;

    // A handler is kept as a bare pointer, as many hosts do: one that is gone and was not taken back
    // is called, and a sanitizer sees it.
    Steinberg::tresult PLUGIN_API registerEventHandler (Handler*,
                                                        Steinberg::Linux::FileDescriptor) override;
    Steinberg::tresult PLUGIN_API unregisterEventHandler (Handler*) override;
    Steinberg::tresult PLUGIN_API registerTimer (Timer*, Steinberg::Linux::TimerInterval) override;
    Steinberg::tresult PLUGIN_API unregisterTimer (Timer*) override;

    /** Of the host's own: called when the descriptor can be read, until it returns false. */
    void watch (int descriptor, std::function<bool()>);
    /** Waits for something to do, at most so long, and does it. */
    void turn (Milliseconds longest);

    std::size_t handlers() const { return registered.size(); } ///< of plug-ins
    std::size_t timers() const { return timed.size(); }

private:
    struct Registered
    {
        Handler* handler;
        int descriptor;
    };
    struct Timed
    {
        Timer* timer;
        Milliseconds interval;
        std::chrono::steady_clock::time_point next;
    };
    struct Watched
    {
        int descriptor;
        std::function<bool()> act;
    };

    bool isRegistered (const Registered&) const;
    Milliseconds untilNextTimer (Milliseconds longest) const;
    void runTimers();

    std::vector<Registered> registered;
    std::vector<Timed> timed;
    std::vector<Watched> watched;
};

/** The same loop by another pointer: some hosts give all windows one, others each its own. */
class SameLoop final : public Owned<Steinberg::Linux::IRunLoop>
{
public:
    explicit SameLoop (RunLoop& loopToUse) : loop (loopToUse) {}

    Steinberg::tresult PLUGIN_API registerEventHandler (
        RunLoop::Handler* handler, Steinberg::Linux::FileDescriptor descriptor) override
    {
        return loop.registerEventHandler (handler, descriptor);
    }
    Steinberg::tresult PLUGIN_API unregisterEventHandler (RunLoop::Handler* handler) override
    {
        return loop.unregisterEventHandler (handler);
    }
    Steinberg::tresult PLUGIN_API registerTimer (RunLoop::Timer* timer,
                                                 Steinberg::Linux::TimerInterval interval) override
    {
        return loop.registerTimer (timer, interval);
    }
    Steinberg::tresult PLUGIN_API unregisterTimer (RunLoop::Timer* timer) override
    {
        return loop.unregisterTimer (timer);
    }

private:
    RunLoop& loop;
};

} // namespace stemlasso::hosting
