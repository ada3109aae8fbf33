#include "FakeServer.h"

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

using namespace stemlasso::wire;

namespace
{
void makeKeys (std::string& publicKey, std::string& secretKey)
{
    std::array<char, 41> first{}, second{};
    zmq_curve_keypair (first.data(), second.data());
    publicKey = first.data();
    secretKey = second.data();
}

std::string contentOfMessage (const zmq::message_t& part)
{
    return std::string (part.data<char>(), part.size());
}

Frames receive (zmq::socket_t& socket)
{
    Frames frames;
    for (zmq::message_t part; socket.recv (part, zmq::recv_flags::dontwait);)
    {
        frames.push_back (contentOfMessage (part));
        if (! part.more())
            break;
    }
    return frames;
}

void send (zmq::socket_t& socket, const Frames& frames)
{
    for (std::size_t index = 0; index < frames.size(); ++index)
        socket.send (zmq::buffer (frames[index]),
                     index + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
}
} // namespace

FakeServer::FakeServer (std::filesystem::path where) : home (std::move (where))
{
    makeKeys (serverPublic, serverSecret);
    makeKeys (clientPublic, clientSecret);
    const auto open = [&] (zmq::socket_type type)
    {
        zmq::socket_t socket (context, type);
        socket.set (zmq::sockopt::linger, 0);
        socket.set (zmq::sockopt::curve_server, true);
        socket.set (zmq::sockopt::curve_secretkey, serverSecret);
        socket.bind ("tcp://127.0.0.1:*");
        return socket;
    };
    requests = open (zmq::socket_type::router);
    events = open (zmq::socket_type::xpub);
    events.set (zmq::sockopt::xpub_verboser, true);
    const auto address = events.get (zmq::sockopt::last_endpoint);
    eventPort = std::stoi (address.substr (address.rfind (':') + 1));
    bell = zmq::socket_t (context, zmq::socket_type::pair);
    rope = zmq::socket_t (context, zmq::socket_type::pair);
    bell.bind ("inproc://bell");
    rope.connect ("inproc://bell");
    writeConnectionFile (requests.get (zmq::sockopt::last_endpoint));
    thread = std::thread ([this] { run(); });
}

FakeServer::~FakeServer()
{
    isEnding = true;
    rope.send (zmq::message_t(), zmq::send_flags::dontwait);
    thread.join();
    std::filesystem::remove (home / "run" / "connection.json");
}

void FakeServer::writeConnectionFile (const std::string& endpoint) const
{
    std::filesystem::create_directories (home / "run");
    const auto file = home / "run" / "connection.json", part = home / "run" / "part";
    std::ofstream (part) << nlohmann::json{ { "endpoint", endpoint },
                                            { "server_public_key", serverPublic },
                                            { "client_public_key", clientPublic },
                                            { "client_secret_key", clientSecret },
                                            { "protocol", "1.1" },
                                            { "server_id", "s1" },
                                            { "pid", getpid() } };
    chmod (part.c_str(), 0600);
    std::filesystem::rename (part, file);
}

void FakeServer::answer (const std::string& operation, Answer given)
{
    const std::lock_guard lock (mutex);
    answers[operation] = std::move (given);
}

void FakeServer::refuse (const std::string& operation, const std::string& code, int times)
{
    const std::lock_guard lock (mutex);
    refusals[operation] = { code, times };
}

void FakeServer::publish (const std::string& event, std::int64_t sequence, const Value& body)
{
    Frames frames{ event, std::string ("SLWP\x01\x01"), {}, {} };
    pack (Map{ { "event", event }, { "sequence", sequence }, { "time_s", 1.5 } }, frames[2]);
    pack (body, frames[3]);
    const std::lock_guard lock (mutex);
    toPublish.push_back (std::move (frames));
    rope.send (zmq::message_t(), zmq::send_flags::dontwait);
}

std::vector<Value> FakeServer::bodies (const std::string& operation) const
{
    const std::lock_guard lock (mutex);
    std::vector<Value> found;
    for (const auto& [name, body] : asked)
        if (name == operation)
            found.push_back (body);
    return found;
}

int FakeServer::count (const std::string& operation) const
{
    return int (bodies (operation).size());
}

void FakeServer::run()
{
    while (! isEnding)
    {
        std::vector<zmq::pollitem_t> items{ { bell.handle(), 0, ZMQ_POLLIN, 0 },
                                            { events.handle(), 0, ZMQ_POLLIN, 0 } };
        if (! isSilent)
            items.push_back ({ requests.handle(), 0, ZMQ_POLLIN, 0 });
        zmq::poll (items, std::chrono::milliseconds (50));
        while (! receive (bell).empty())
        {
        }
        while (! isSilent)
        {
            zmq::pollitem_t one{ requests.handle(), 0, ZMQ_POLLIN, 0 };
            if (zmq::poll (&one, 1, std::chrono::milliseconds (0)) == 0)
                break;
            handle (requests);
        }
        for (auto told = receive (events); ! told.empty(); told = receive (events))
            if (told[0] == std::string ("\x01") + std::string (welcomeWord))
                send (events, { std::string (welcomeWord) });
        std::vector<Frames> due;
        {
            const std::lock_guard lock (mutex);
            due.swap (toPublish);
        }
        for (const auto& frames : due)
            send (events, frames);
    }
}

void FakeServer::handle (zmq::socket_t& socket)
{
    const auto frames = receive (socket);
    std::string words;
    const auto header = *unpack (frames.at (2), words);
    const auto body = *unpack (frames.at (3), words);
    const auto operation = *header.find ("op")->text();
    auto reply = replyTo (operation, body);
    if (! reply)
        return;
    const bool isError = reply->find ("code") != nullptr;
    Frames answer{ frames[0], std::string ("SLWP") + char (ownMajor) + char (1), {}, {} };
    pack (Map{ { "id", *header.find ("id") },
               { "op", operation },
               { "status", isError ? "error" : "ok" } },
          answer[2]);
    pack (*reply, answer[3]);
    send (socket, answer);
}

std::optional<Value> FakeServer::replyTo (const std::string& operation, const Value& body)
{
    Answer own;
    {
        const std::lock_guard lock (mutex);
        asked.emplace_back (operation, body);
        auto& [code, times] = refusals[operation];
        if (times > 0)
        {
            --times;
            return Map{ { "code", code }, { "message", "as the test wants it" } };
        }
        if (const auto found = answers.find (operation); found != answers.end())
            own = found->second;
    }
    if (own)
        return own (body);
    if (operation == "hello")
        return Map{ { "protocol", "1.1" }, { "server_version", "9.9" }, { "server_id", "s1" } };
    if (operation == "events.subscribe")
        return Map{ { "port", eventPort } };
    if (operation == "clip.put")
        return Map{ { "clip", clip ("c1", *body.find ("path")->text()) } };
    if (operation == "clip.list")
        return Map{ { "clips", List{} }, { "total", 0 } };
    if (operation == "clip.get")
        return Map{ { "clip", clip (*body.find ("clip_id")->text(), "/x.wav") } };
    if (operation == "job.submit")
        return Map{ { "job", job ("j1", "queued") } };
    if (operation == "job.get" || operation == "job.cancel")
        return Map{ { "job", job (*body.find ("job_id")->text(),
                                  operation == "job.get" ? "running" : "cancelled") } };
    return Map{};
}

Value FakeServer::job (const std::string& id, const std::string& state, const Map& result)
{
    Map made{ { "job_id", id }, { "clip_id", "c1" }, { "prompt", Map{} }, { "state", state } };
    if (! result.empty())
        made.emplace_back ("result", result);
    return made;
}

Value FakeServer::clip (const std::string& id, const std::string& path)
{
    return Map{ { "clip_id", id }, { "name", "x" }, { "path", path } };
}
