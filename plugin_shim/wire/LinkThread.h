#pragma once

// The one thread that speaks with the engine, for all instances in this process.
//
//     idle --ask--> looking --file--> greeting --hello--> open
//                    ^  |                |                 |
//                    |  '--start-->  (starting)            | no answer: silent, and open again
//                    '----- file gone or changed ----------'

#include "ErrandMachine.h"
#include "Folders.h"
#include "Launcher.h"
#include "Sockets.h"

#include <atomic>
#include <map>
#include <thread>

namespace stemlasso::wire
{

class LinkThread
{
public:
    LinkThread (Folders, Timing);
    /** Ends the thread within a moment, whatever the server does. */
    ~LinkThread();

    // Any thread.
    void add (std::shared_ptr<ErrandState>);
    void watch();
    void startEngine();
    /** Something was posted to an errand: starts the thread where it does not run yet. */
    void wake();
    LinkView view() const;

private:
    enum class Stage
    {
        looking,
        greeting,
        open
    };
    struct Pending
    {
        std::string op;
        std::uint64_t errand = 0; ///< 0: the link's own
        Clock::time_point sent, deadline;
    };
    /** A server that was started from here and is not there yet. */
    struct Launch
    {
        Clock::time_point deadline;
    };

    void run();
    void turn();
    void takeAsks();
    void launch();
    void look();
    void connect (const Connection&);
    void connectAnew();
    void disconnect();
    void forgetPending();
    void hearTransport();
    void hearReplies();
    void hearEvents();
    void hear (const Reply&);
    void hear (const Event&);
    void greeted (const Reply&);
    void subscribed (const Reply&);
    void refuse (const std::string& words);
    void giveUpLate();
    void sendDue();
    bool send (const Request&, std::uint64_t errand);
    void showLink();
    bool isNeeded() const;
    Clock::time_point nextDue() const;

    const Folders folders;
    const Timing timing;

    mutable std::mutex mutex; ///< of what follows, to the blank line
    std::vector<std::shared_ptr<ErrandState>> added;
    bool isWatched = false, isStartAsked = false;
    LinkView shown;
    std::unique_ptr<Sockets> sockets; ///< made by the first who needs it, then the thread's
    std::thread thread;

    std::atomic<bool> isEnding{ false };

    // The thread's own.
    struct Kept
    {
        std::weak_ptr<ErrandState> state;
        ErrandMachine machine;
    };
    std::map<std::uint64_t, Kept> errands;
    std::uint64_t lastErrand = 0;
    std::int64_t lastRequest = 0;
    std::map<std::int64_t, Pending> pending;
    std::map<std::string, std::int64_t> sequences; ///< last number heard of each family
    Stage stage = Stage::looking;
    std::optional<Connection> connection;
    std::optional<Launch> launched;
    bool isWanted = false; ///< somebody watches, or something was asked for
    bool isSilent = false, isStopping = false;
    std::string refusal; ///< why the server that is there cannot be spoken with
    std::string trouble; ///< why none could be started
    std::string serverVersion;
    Clock::time_point now{}, heard{}, nextLook{};
};

} // namespace stemlasso::wire
