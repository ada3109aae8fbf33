#pragma once

// The ZeroMQ sockets of the link: requests, events, and a bell that wakes the link's thread.

#include "ConnectionFile.h"
#include "Message.h"

#include <chrono>
#include <memory>

namespace stemlasso::wire
{

enum class TransportNews
{
    none,
    lost,     ///< the connection broke; the socket tries again by itself
    notLetIn, ///< the server does not know this key, or is another one than expected
};

/** Made by any thread and used by one; only `ring` is for all threads. Functions give words where
    something failed, and throw nothing. */
class Sockets
{
public:
    /** Throws std::runtime_error where the system has no sockets left. */
    Sockets();
    ~Sockets();

    std::string connectRequests (const Connection&);
    /** Subscribes as well; then the server sends `welcomeWord` once that is in force. */
    std::string connectEvents (const Connection&, int port,
                               const std::vector<std::string>& families);
    void disconnect();

    bool send (const Frames&);
    /** False where libzmq has given the connection up, and does not connect again by itself. */
    bool canSend();
    /** The next one that is there already. */
    std::optional<Frames> receiveReply();
    std::optional<Frames> receiveEvent();
    TransportNews news();

    /** Until something can be received, the bell rings, or the time is over. */
    void wait (std::chrono::milliseconds);
    void ring() noexcept;

private:
    struct Parts;
    std::unique_ptr<Parts> parts;
};

} // namespace stemlasso::wire
