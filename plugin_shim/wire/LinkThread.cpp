#include "LinkThread.h"

#include <algorithm>
#include <exception>

namespace stemlasso::wire
{

namespace
{
constexpr auto clientName = "plug-in";
} // namespace

LinkThread::LinkThread (Folders where, Timing times) : folders (std::move (where)), timing (times)
{
}

LinkThread::~LinkThread()
{
    isEnding = true;
    if (sockets != nullptr)
        sockets->ring();
    if (thread.joinable())
        thread.join();
}

void LinkThread::add (std::shared_ptr<ErrandState> state)
{
    const std::lock_guard lock (mutex);
    added.push_back (std::move (state));
}

void LinkThread::watch()
{
    {
        const std::lock_guard lock (mutex);
        isWatched = true;
    }
    wake();
}

void LinkThread::startEngine()
{
    {
        const std::lock_guard lock (mutex);
        isStartAsked = true;
    }
    wake();
}

void LinkThread::wake()
{
    const std::lock_guard lock (mutex);
    if (! thread.joinable())
    {
        try
        {
            sockets = std::make_unique<Sockets>();
            thread = std::thread ([this] { run(); });
        }
        catch (const std::exception& error)
        {
            sockets.reset();
            shown = { LinkState::absent,
                      std::string ("no connection can be made: ") + error.what(),
                      {} };
            return;
        }
    }
    sockets->ring();
}

LinkView LinkThread::view() const
{
    const std::lock_guard lock (mutex);
    return shown;
}

void LinkThread::run()
{
    while (! isEnding)
    {
        now = Clock::now();
        try
        {
            turn();
        }
        catch (const std::exception& error)
        {
            // Memory ran out, or this is a bug: the host goes on, and so does the link in a moment.
            disconnect();
            trouble = error.what();
            nextLook = now + timing.again;
        }
        showLink();
        const auto due = nextDue() - Clock::now();
        const auto longest = std::chrono::ceil<std::chrono::milliseconds> (due);
        if (! isEnding)
            sockets->wait (std::max (longest, std::chrono::milliseconds (0)));
    }
    // The sockets stay until this thread is joined: whoever ends it rings their bell.
}

void LinkThread::turn()
{
    takeAsks();
    hearTransport();
    hearReplies();
    hearEvents();
    giveUpLate();
    if (now >= nextLook && isNeeded())
        look();
    sendDue();
    for (auto& [number, kept] : errands)
        kept.machine.show();
}

void LinkThread::takeAsks()
{
    bool needsEngine = false;
    {
        const std::lock_guard lock (mutex);
        for (auto& state : std::exchange (added, {}))
            errands.emplace (++lastErrand, Kept{ state, ErrandMachine (state, timing) });
        needsEngine = std::exchange (isStartAsked, false);
        isWanted = isWanted || isWatched || needsEngine;
    }
    std::erase_if (errands, [] (const auto& each) { return each.second.state.expired(); });
    for (auto& [number, kept] : errands)
        needsEngine = kept.machine.takeAsks() || needsEngine;
    if (! needsEngine)
        return;
    isWanted = true;
    trouble.clear();
    if (stage != Stage::open)
        look();
    if (stage == Stage::looking || isSilent)
        launch();
}

void LinkThread::launch()
{
    if (launched || ! refusal.empty())
        return;
    trouble = startServer (folders);
    if (trouble.empty())
        launched = Launch{ now + timing.launch };
    nextLook = now;
}

bool LinkThread::isNeeded() const
{
    return isWanted || stage != Stage::looking
           || std::any_of (errands.begin(), errands.end(),
                           [] (const auto& each) { return each.second.machine.wantsServer(); });
}

void LinkThread::look()
{
    auto found = readConnection (folders.connectionFile());
    if (auto* there = std::get_if<Connection> (&found))
    {
        if (! connection || *connection != *there)
            connect (*there);
        else if (stage == Stage::greeting && refusal.empty() && ! sockets->canSend())
            connectAnew();
    }
    else
    {
        const auto& why = std::get<ConnectionRefusal> (found);
        disconnect();
        refusal = why.why == NoConnection::absent ? std::string() : why.words;
        if (launched && now >= launched->deadline)
        {
            launched.reset();
            const auto last = lastWords (folders);
            trouble = "the engine was started and is not there: "
                      + (last.empty() ? "see " + utf8Of (folders.log()) : last);
        }
    }
    nextLook = now + (launched && stage != Stage::open ? timing.launchLook : timing.look);
}

void LinkThread::connect (const Connection& to)
{
    disconnect();
    refusal.clear();
    if (const auto words = sockets->connectRequests (to); ! words.empty())
    {
        trouble = words;
        return;
    }
    connection = to;
    stage = Stage::greeting;
    heard = now;
    send ({ "hello", bodies::hello (clientName, STEMLASSO_VERSION), timing.reply }, 0);
}

/** To the same server, with what is known of it: libzmq closes a connection for good on which a
    message broke its rules, or its limit. */
void LinkThread::connectAnew()
{
    forgetPending();
    if (const auto words = sockets->connectRequests (*connection); ! words.empty())
        trouble = words;
}

void LinkThread::disconnect()
{
    sockets->disconnect();
    connection.reset();
    stage = Stage::looking;
    isSilent = isStopping = false;
    sequences.clear();
    forgetPending();
}

void LinkThread::forgetPending()
{
    for (const auto& [id, each] : std::exchange (pending, {}))
        if (const auto found = errands.find (each.errand); found != errands.end())
            found->second.machine.unanswered (now);
}

void LinkThread::refuse (const std::string& words)
{
    // Looked at again when the file changes: then the server is another one.
    sockets->disconnect();
    refusal = words;
    stage = Stage::greeting;
    pending.clear();
}

void LinkThread::giveUpLate()
{
    for (auto each = pending.begin(); each != pending.end();)
    {
        isSilent =
            isSilent || (now - each->second.sent >= timing.silent && now - heard >= timing.silent);
        // One that hangs still does what it was sent when it goes on, so that is not given up.
        if (isSilent && each->second.op == "clip.put")
            each->second.deadline = now + timing.slowReply;
        if (now < each->second.deadline)
        {
            ++each;
            continue;
        }
        const auto errand = errands.find (each->second.errand);
        if (errand != errands.end())
            errand->second.machine.unanswered (now);
        each = pending.erase (each);
        nextLook = now;
    }
}

void LinkThread::sendDue()
{
    const bool isIdle = pending.empty() && now - heard >= timing.quiet;
    if (stage == Stage::greeting && refusal.empty() && pending.empty())
        send ({ "hello", bodies::hello (clientName, STEMLASSO_VERSION), timing.reply }, 0);
    if (stage != Stage::open)
        return;
    if (isIdle)
        send ({ "ping", bodies::ping (""), timing.reply }, 0);
    if (isSilent)
        return; // what waits is sent when it speaks again
    for (auto& [number, kept] : errands)
        while (auto request = kept.machine.next (now))
            if (! send (*request, number))
                kept.machine.unanswered (now);
}

bool LinkThread::send (const Request& request, std::uint64_t errand)
{
    const auto id = ++lastRequest;
    if (! sockets->send (makeRequest (id, request.op, request.body)))
        return false;
    pending[id] = { request.op, errand, now, now + request.patience };
    return true;
}

Clock::time_point LinkThread::nextDue() const
{
    auto due = now + std::chrono::hours (1);
    if (isNeeded())
        due = std::min (due, nextLook);
    if (stage == Stage::open && pending.empty())
        due = std::min (due, heard + timing.quiet);
    for (const auto& [id, each] : pending)
    {
        due = std::min (due, each.deadline);
        if (! isSilent)
            due = std::min (due, std::max (heard, each.sent) + timing.silent);
    }
    if (stage == Stage::open && ! isSilent)
        for (const auto& [number, kept] : errands)
            if (const auto errand = kept.machine.nextDue())
                due = std::min (due, *errand);
    return due;
}

void LinkThread::showLink()
{
    LinkView view{ LinkState::absent, {}, {} };
    if (! refusal.empty())
        view = { LinkState::refused, refusal, serverVersion };
    else if (isSilent || (stage == Stage::greeting && ! launched && now - heard >= timing.silent))
        view = { LinkState::silent,
                 "the engine is there but does not answer; it goes on by itself when it does, or "
                 "end it (`stemlasso stop`) and start it again",
                 serverVersion };
    else if (stage == Stage::open && ! isStopping)
        view = { LinkState::connected, trouble, serverVersion };
    else if (launched || stage == Stage::greeting)
        view = { LinkState::starting, launched ? "the engine is starting" : "connecting", {} };
    else if (! trouble.empty())
        view.words = trouble;
    else
        view.words = "the engine is not running";
    const std::lock_guard lock (mutex);
    shown = std::move (view);
}

} // namespace stemlasso::wire
