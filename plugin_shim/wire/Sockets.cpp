#include "Sockets.h"

#include <atomic>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <zmq.hpp>

namespace stemlasso::wire
{

namespace
{
constexpr int heartbeatMs = 5000, silenceMs = 20000, reconnectMs = 200, reconnectMostMs = 2000;
constexpr int mostQueued = 64, mostEvents = 500;
constexpr std::size_t mostFrames = 8;
constexpr auto monitorAddress = "inproc://requests-monitor";
constexpr auto bellAddress = "inproc://bell";

/** Apart, because ThreadSanitizer takes what libzmq hands over for a race: tests/thread.supp. */
std::string contentOfMessage (const zmq::message_t& part)
{
    return std::string (part.data<char>(), part.size());
}

std::optional<Frames> receive (zmq::socket_t& socket)
{
    if (! socket)
        return std::nullopt;
    Frames frames;
    for (zmq::message_t part;;)
    {
        if (! socket.recv (part, zmq::recv_flags::dontwait))
            return std::nullopt;
        // A message of more frames is read to its end, and is none of ours.
        if (frames.size() < mostFrames)
            frames.push_back (contentOfMessage (part));
        if (! part.more())
            return frames;
    }
}
} // namespace

struct Sockets::Parts
{
    // One I/O thread, for all instances in this process. Sockets close before their context.
    zmq::context_t context{ 1 };
    zmq::socket_t requests, events, monitor, bell, rope;
    std::mutex ropeMutex;
    bool isRung = false;

    zmq::socket_t make (zmq::socket_type type)
    {
        zmq::socket_t socket (context, type);
        socket.set (zmq::sockopt::linger, 0);
        return socket;
    }

    zmq::socket_t makeSecured (zmq::socket_type type, const Connection& connection)
    {
        auto socket = make (type);
        socket.set (zmq::sockopt::curve_serverkey, connection.serverPublicKey);
        socket.set (zmq::sockopt::curve_publickey, connection.clientPublicKey);
        socket.set (zmq::sockopt::curve_secretkey, connection.clientSecretKey);
        socket.set (zmq::sockopt::maxmsgsize, std::int64_t (mostFrameBytes));
        socket.set (zmq::sockopt::heartbeat_ivl, heartbeatMs);
        socket.set (zmq::sockopt::heartbeat_timeout, silenceMs);
        socket.set (zmq::sockopt::reconnect_ivl, reconnectMs);
        socket.set (zmq::sockopt::reconnect_ivl_max, reconnectMostMs);
        return socket;
    }

    void watch()
    {
        constexpr auto wanted = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                                | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                                | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
        if (zmq_socket_monitor (requests.handle(), monitorAddress, wanted) != 0)
            throw zmq::error_t();
        monitor = make (zmq::socket_type::pair);
        monitor.connect (monitorAddress);
    }
};

Sockets::Sockets()
try : parts (std::make_unique<Parts>())
{
    parts->bell = parts->make (zmq::socket_type::pair);
    parts->rope = parts->make (zmq::socket_type::pair);
    parts->bell.bind (bellAddress);
    parts->rope.connect (bellAddress);
}
catch (const zmq::error_t& error)
{
    throw std::runtime_error (error.what());
}

Sockets::~Sockets() { disconnect(); }

std::string Sockets::connectRequests (const Connection& connection)
try
{
    disconnect();
    parts->requests = parts->makeSecured (zmq::socket_type::dealer, connection);
    parts->requests.set (zmq::sockopt::sndhwm, mostQueued);
    parts->watch();
    parts->requests.connect (connection.endpoint);
    return {};
}
catch (const zmq::error_t& error)
{
    disconnect();
    return connection.endpoint + ": " + error.what();
}

std::string Sockets::connectEvents (const Connection& connection, int port,
                                    const std::vector<std::string>& families)
try
{
    parts->events.close();
    parts->events = parts->makeSecured (zmq::socket_type::sub, connection);
    parts->events.set (zmq::sockopt::rcvhwm, mostEvents);
    for (const auto& family : families)
        parts->events.set (zmq::sockopt::subscribe, family + ".");
    parts->events.set (zmq::sockopt::subscribe, std::string (welcomeWord));
    const auto host = connection.endpoint.substr (0, connection.endpoint.rfind (':'));
    parts->events.connect (host + ":" + std::to_string (port));
    return {};
}
catch (const zmq::error_t& error)
{
    return connection.endpoint + ": " + error.what();
}

void Sockets::disconnect()
{
    if (parts->requests)
        zmq_socket_monitor (parts->requests.handle(), nullptr, 0);
    parts->monitor.close();
    parts->requests.close();
    parts->events.close();
}

bool Sockets::send (const Frames& frames)
try
{
    if (! parts->requests)
        return false;
    for (std::size_t index = 0; index < frames.size(); ++index)
    {
        const auto more =
            index + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
        if (! parts->requests.send (zmq::buffer (frames[index]), more | zmq::send_flags::dontwait))
            return false;
    }
    return true;
}
catch (const zmq::error_t&)
{
    return false;
}

bool Sockets::canSend()
try
{
    return parts->requests && (parts->requests.get (zmq::sockopt::events) & ZMQ_POLLOUT) != 0;
}
catch (const zmq::error_t&)
{
    return false;
}

std::optional<Frames> Sockets::receiveReply()
try
{
    return receive (parts->requests);
}
catch (const zmq::error_t&)
{
    return std::nullopt;
}

std::optional<Frames> Sockets::receiveEvent()
try
{
    return receive (parts->events);
}
catch (const zmq::error_t&)
{
    return std::nullopt;
}

TransportNews Sockets::news()
try
{
    const auto told = receive (parts->monitor);
    if (! told)
        return TransportNews::none;
    std::uint16_t event = 0;
    if (told->front().size() >= sizeof event)
        std::memcpy (&event, told->front().data(), sizeof event);
    return event == ZMQ_EVENT_DISCONNECTED ? TransportNews::lost : TransportNews::notLetIn;
}
catch (const zmq::error_t&)
{
    return TransportNews::none;
}

void Sockets::wait (std::chrono::milliseconds longest)
try
{
    std::vector<zmq::pollitem_t> items{ { parts->bell.handle(), 0, ZMQ_POLLIN, 0 } };
    for (auto* socket : { &parts->requests, &parts->events, &parts->monitor })
        if (*socket)
            items.push_back ({ socket->handle(), 0, ZMQ_POLLIN, 0 });
    zmq::poll (items, longest);
    if ((items[0].revents & ZMQ_POLLIN) != 0)
    {
        const std::lock_guard lock (parts->ropeMutex);
        while (receive (parts->bell))
        {
        }
        parts->isRung = false;
    }
}
catch (const zmq::error_t&)
{
    // A signal: the caller looks around and waits again.
}

void Sockets::ring() noexcept
try
{
    const std::lock_guard lock (parts->ropeMutex);
    if (std::exchange (parts->isRung, true))
        return;
    parts->rope.send (zmq::message_t(), zmq::send_flags::dontwait);
}
catch (const zmq::error_t&)
{
}

} // namespace stemlasso::wire
