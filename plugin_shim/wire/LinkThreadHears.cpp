// What the link thread hears: news of its sockets, replies to what it asked, events.

#include "LinkThread.h"

namespace stemlasso::wire
{

namespace
{
const std::vector<std::string> families{ "clip", "job", "server" };

std::string numberWords()
{
    return std::to_string (majorVersion) + "." + std::to_string (minorVersion);
}
} // namespace

void LinkThread::hearTransport()
{
    for (auto news = sockets->news(); news != TransportNews::none; news = sockets->news())
    {
        nextLook = now;
        // The socket mostly connects again by itself; what was under way may be lost, so all begins
        // anew.
        if (stage == Stage::open)
            stage = Stage::greeting;
        if (news == TransportNews::lost)
            forgetPending();
        else if (stage == Stage::greeting)
            isSilent = true; // the file of a dead server whose port another one has now
    }
}

void LinkThread::hearReplies()
{
    while (auto frames = sockets->receiveReply())
    {
        auto read = readReply (*frames);
        heard = now;
        isSilent = false;
        if (const auto* reply = std::get_if<Reply> (&read))
            hear (*reply);
        else if (const auto& problem = std::get<Problem> (read); problem.code == "version_mismatch")
            return refuse (problem.message);
    }
}

void LinkThread::hear (const Reply& reply)
{
    const auto found = reply.id ? pending.find (*reply.id) : pending.end();
    if (found == pending.end())
        return; // given up before
    const auto each = found->second;
    pending.erase (found);
    if (reply.refusal && reply.refusal->code == "version_mismatch")
        return refuse (reply.refusal->message + " (this plug-in speaks " + numberWords() + ")");
    if (each.op == "hello")
        greeted (reply);
    else if (each.op == "events.subscribe")
        subscribed (reply);
    else if (const auto errand = errands.find (each.errand); errand != errands.end())
        errand->second.machine.answered (reply, now);
}

void LinkThread::greeted (const Reply& reply)
{
    if (reply.refusal)
        return; // too many clients: said hello again in a moment
    serverVersion = welcomeOf (reply.body).serverVersion;
    stage = Stage::open;
    launched.reset();
    trouble.clear();
    send ({ "events.subscribe", bodies::subscribe (families), timing.reply }, 0);
    for (auto& [number, kept] : errands)
        kept.machine.refresh();
}

void LinkThread::subscribed (const Reply& reply)
{
    if (reply.refusal || ! connection)
        return;
    const auto subscription = subscriptionOf (reply.body);
    if (const auto words = sockets->connectEvents (*connection, subscription.port, families);
        ! words.empty())
        trouble = words;
}

void LinkThread::hearEvents()
{
    while (auto frames = sockets->receiveEvent())
    {
        heard = now;
        isSilent = false;
        if (frames->size() == 1 && frames->front() == welcomeWord)
        {
            // From now on nothing is missed; what happened before is asked for.
            sequences.clear();
            for (auto& [number, kept] : errands)
                kept.machine.refresh();
            continue;
        }
        const auto read = readEvent (*frames);
        if (const auto* event = std::get_if<Event> (&read))
            hear (*event);
    }
}

void LinkThread::hear (const Event& event)
{
    const auto [last, isFirst] = sequences.try_emplace (event.family(), event.sequence);
    const bool isGap = ! isFirst && event.sequence != last->second + 1;
    last->second = event.sequence;
    if (event.name == "server.stopping")
        isStopping = true;
    for (auto& [number, kept] : errands)
    {
        kept.machine.happened (event);
        if (isGap)
            kept.machine.refresh();
    }
}

} // namespace stemlasso::wire
