#pragma once

// The connection file: where the engine's server is, and the keys to talk to it.

#include "Values.h"

#include <filesystem>
#include <variant>

namespace stemlasso::wire
{

struct Connection
{
    std::string endpoint;                         ///< of requests
    std::string serverPublicKey;                  ///< 40 characters of Z85, as the next two
    std::string clientPublicKey, clientSecretKey; ///< this user's own
    std::string protocol, serverVersion, serverId;
    std::int64_t pid = 0;

    bool operator== (const Connection&) const = default;
};

enum class NoConnection
{
    absent, ///< no file, or its server is gone
    unsafe, ///< others could have written it, or read the keys in it
    broken, ///< it cannot be understood
    newer   ///< of a server with another major version
};

struct ConnectionRefusal
{
    NoConnection why = NoConnection::absent;
    std::string words;
};

/** What the file says, where it may be trusted and its server seems to be alive. */
std::variant<Connection, ConnectionRefusal> readConnection (const std::filesystem::path&);

/** Whether a process of this number runs. (It may be another one; only `hello` tells for sure.) */
bool isAlive (std::int64_t pid);

/** Words why a file of ours may not be trusted; empty: it may. Others may read it where `mayBeRead`. */
std::string whyUnsafe (const std::filesystem::path&, bool mayBeRead);

/** The first bytes of a file, at most so many; none where it cannot be read. */
std::optional<std::string> readFile (const std::filesystem::path&, std::size_t mostBytes);

} // namespace stemlasso::wire
