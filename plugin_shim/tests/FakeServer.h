#pragma once

// A server for one test: real sockets with CURVE, answers that the test decides, and a connection
// file that leads to it.

#include "wire/Message.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <zmq.hpp>

/** Answers on a thread of its own. Without an answer of the test's own: hello, ping, subscribing,
    clips and jobs that exist as soon as they are asked for. */
class FakeServer
{
public:
    using Value = stemlasso::wire::Value;
    using Map = stemlasso::wire::Map;
    /** What to answer with; none: nothing at all. */
    using Answer = std::function<std::optional<Value> (const Value& body)>;

    explicit FakeServer (std::filesystem::path home);
    ~FakeServer();

    /** Before the client asks: what an operation is answered with. */
    void answer (const std::string& operation, Answer);
    /** The next answers are errors with this code, so many times. */
    void refuse (const std::string& operation, const std::string& code, int times);
    void publish (const std::string& event, std::int64_t sequence, const Value& body);
    /** Requests of this operation so far. */
    int count (const std::string& operation) const;
    std::vector<Value> bodies (const std::string& operation) const;
    /** Answers nothing, and goes on. */
    void hang (bool isHung) { isSilent = isHung; }
    void setMajor (int major) { ownMajor = major; }

    static Value job (const std::string& id, const std::string& state, const Map& result = {});
    static Value clip (const std::string& id, const std::string& path);

private:
    void run();
    void handle (zmq::socket_t& requests);
    std::optional<Value> replyTo (const std::string& operation, const Value& body);
    void writeConnectionFile (const std::string& endpoint) const;

    const std::filesystem::path home;
    zmq::context_t context{ 1 };
    zmq::socket_t requests, events, bell, rope;
    std::string serverPublic, serverSecret, clientPublic, clientSecret;
    int eventPort = 0;
    mutable std::mutex mutex;
    std::map<std::string, Answer> answers;
    std::map<std::string, std::pair<std::string, int>> refusals;
    std::vector<std::pair<std::string, Value>> asked;
    std::vector<std::vector<std::string>> toPublish;
    std::atomic<bool> isEnding{ false }, isSilent{ false };
    std::atomic<int> ownMajor{ 1 };
    std::thread thread;
};
