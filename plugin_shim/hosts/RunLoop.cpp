#include "RunLoop.h"

#include <poll.h>

using namespace Steinberg;

namespace stemlasso::hosting
{

using Clock = std::chrono::steady_clock;

tresult RunLoop::registerEventHandler (Handler* handler, Linux::FileDescriptor descriptor)
{
    registered.push_back ({ handler, descriptor });
    return kResultOk;
}

tresult RunLoop::unregisterEventHandler (Handler* handler)
{
    const auto isIt = [handler] (const Registered& each) { return each.handler == handler; };
    return std::erase_if (registered, isIt) > 0 ? kResultOk : kResultFalse;
}

tresult RunLoop::registerTimer (Timer* timer, Linux::TimerInterval milliseconds)
{
    const Milliseconds interval (milliseconds);
    timed.push_back ({ timer, interval, Clock::now() + interval });
    return kResultOk;
}

tresult RunLoop::unregisterTimer (Timer* timer)
{
    const auto isIt = [timer] (const Timed& each) { return each.timer == timer; };
    return std::erase_if (timed, isIt) > 0 ? kResultOk : kResultFalse;
}

void RunLoop::watch (int descriptor, std::function<bool()> act)
{
    watched.push_back ({ descriptor, std::move (act) });
}

void RunLoop::turn (Milliseconds longest)
{
    // what is called may register and take back: go by what there was
    const auto asked = registered;
    std::vector<pollfd> ready;
    for (const auto& each : asked)
        ready.push_back ({ each.descriptor, POLLIN, 0 });
    for (const auto& each : watched)
        ready.push_back ({ each.descriptor, POLLIN, 0 });
    const auto wait = untilNextTimer (longest);
    if (::poll (ready.data(), ready.size(), int (wait.count())) > 0)
    {
        for (std::size_t i = 0; i < asked.size(); ++i)
            if (ready[i].revents != 0 && isRegistered (asked[i]))
                asked[i].handler->onFDIsSet (asked[i].descriptor);
        for (const auto& each : ready)
            std::erase_if (
                watched, [&each] (const Watched& own)
                { return each.revents != 0 && own.descriptor == each.fd && ! own.act(); });
    }
    runTimers();
}

bool RunLoop::isRegistered (const Registered& wanted) const
{
    return std::any_of (
        registered.begin(), registered.end(), [&wanted] (const Registered& each)
        { return each.handler == wanted.handler && each.descriptor == wanted.descriptor; });
}

RunLoop::Milliseconds RunLoop::untilNextTimer (Milliseconds longest) const
{
    for (const auto& each : timed)
        longest = std::min (longest, std::chrono::ceil<Milliseconds> (each.next - Clock::now()));
    return std::max (longest, Milliseconds (0));
}

void RunLoop::runTimers()
{
    const auto asked = timed;
    for (const auto& each : asked)
    {
        const auto found = std::find_if (timed.begin(), timed.end(), [&] (const Timed& now)
                                         { return now.timer == each.timer; });
        if (found == timed.end() || Clock::now() < found->next)
            continue;
        found->next = Clock::now() + found->interval;
        found->timer->onTimer();
    }
}

} // namespace stemlasso::hosting
