#pragma once

// Messages as frames and back. What came from a peer is checked whole before anything of it is
// used; nothing here throws because of what a peer sent.

#include "Value.h"
#include "Values.h"

#include <variant>

namespace stemlasso::wire
{

using Frames = std::vector<std::string>;

inline constexpr int majorVersion = 1, minorVersion = 1;
inline constexpr std::size_t mostFrameBytes = 4 * 1024 * 1024;
inline constexpr std::string_view welcomeWord = "welcome";

/** A reply to an operation of ours, checked. */
struct Reply
{
    std::optional<std::int64_t> id; ///< none: the request's header could not be read
    std::string op;
    std::optional<Problem> refusal; ///< there: the operation was refused, and the body is empty
    Value body;
};

struct Event
{
    std::string name; ///< such as "job.done"
    std::int64_t sequence = 0;
    Value body;

    std::string family() const { return name.substr (0, name.find ('.')); }
};

/** data: left out where it is empty. */
Frames makeRequest (std::int64_t id, const std::string& op, const Value& body,
                    const std::string& data = {});

/** The reply, or why the frames are none, with the protocol's code. */
std::variant<Reply, Problem> readReply (const Frames&);
/** The event; nothing for one that this side does not know; or why the frames are none. */
std::variant<std::monostate, Event, Problem> readEvent (const Frames&);

namespace bodies
{
Value hello (const std::string& client, const std::string& version);
Value ping (const std::string& echo);
Value clipPut (const ClipSource&);
Value clip (const std::string& clipId);
Value page (std::int64_t offset, std::int64_t limit);
Value job (const std::string& jobId);
Value submit (const std::string& clipId, const Prompt&, const JobOptions&,
              const std::string& submissionId);
Value subscribe (const std::vector<std::string>& families);
Value origin (const Origin&);
} // namespace bodies

struct Welcome
{
    std::string protocol, serverVersion, serverId;
};

struct Subscription
{
    int port = 0;
    std::vector<std::pair<std::string, std::int64_t>> sequences; ///< last number of each family
};

// From bodies that were checked.
Welcome welcomeOf (const Value&);
Subscription subscriptionOf (const Value&);
Clip clipOf (const Value&);
std::vector<Clip> clipsOf (const Value& page);
Progress progressOf (const Value&);
/** None for a state of a later minor. Stems whose role is of a later minor are left out. */
std::optional<Job> jobOf (const Value&);

} // namespace stemlasso::wire
