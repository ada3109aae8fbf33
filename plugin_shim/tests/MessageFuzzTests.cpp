// Golden and broken messages with bytes and frames changed, from fixed seeds: whatever arrives,
// reading it ends, and what is taken can be used.

#include "Golden.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

using namespace stemlasso::wire;

namespace
{
using Random = std::mt19937;

std::size_t below (Random& random, std::size_t most) { return random() % most; }

void changeBytes (Random& random, std::string& frame)
{
    static const std::string telling =
        "\x7f\x80\x90\xc0\xc1\xc4\xc6\xc7\xc9\xcb\xcf\xd3\xd4\xd9\xdb"
        "\xdc\xdd\xde\xdf\xff";
    const auto at = below (random, frame.size() + 1);
    const auto length = 1 + below (random, 8);
    switch (below (random, 6))
    {
    case 0:
        if (! frame.empty())
            frame[at % frame.size()] ^= char (1 << below (random, 8));
        break;
    case 1:
        frame.insert (at, 1, telling[below (random, telling.size())]);
        break;
    case 2:
        frame.insert (at, length, char (random()));
        break;
    case 3:
        frame.erase (at, length);
        break;
    case 4:
        frame.erase (at);
        break;
    default:
        frame.insert (at, frame.substr (at, length * 8));
        break;
    }
}

void changeFrames (Random& random, Frames& frames, const Frames& other)
{
    const auto at = below (random, frames.size() + 1);
    switch (below (random, 4))
    {
    case 0:
        if (at < frames.size())
            frames.erase (frames.begin() + std::ptrdiff_t (at));
        break;
    case 1:
        frames.insert (frames.begin() + std::ptrdiff_t (at), std::string (3, char (random())));
        break;
    case 2:
        if (at < frames.size() && ! other.empty())
            frames[at] = other[below (random, other.size())];
        break;
    default:
        std::shuffle (frames.begin(), frames.end(), random);
        break;
    }
}

/** Everything that the link makes of a body that was taken. */
void use (const std::string& kind, const Value& body)
{
    if (const auto* job = body.find ("job"))
        jobOf (*job);
    if (const auto* clip = body.find ("clip"); clip != nullptr && clip->map() != nullptr)
        clipOf (*clip);
    if (const auto* progress = body.find ("progress"))
        progressOf (*progress);
    clipsOf (body);
    if (kind == "hello")
        welcomeOf (body);
    if (kind == "events.subscribe")
        CHECK (subscriptionOf (body).port > 0);
    std::string bytes, words;
    pack (body, bytes);
    const auto again = unpack (bytes, words);
    CHECK (words == "");
    CHECK (again.has_value());
}
} // namespace

TEST_CASE ("no broken message does harm")
{
    std::vector<Frames> seeds;
    for (const auto& folder : { golden::folder(), golden::folder() / "fuzz" })
        for (const auto& [name, frames] : golden::all (folder))
            seeds.push_back (frames);
    REQUIRE (seeds.size() > 100);
    int taken = 0, refused = 0;
    for (unsigned seed = 1; seed <= 4; ++seed)
    {
        Random random (seed);
        for (int turn = 0; turn < STEMLASSO_FUZZ_TURNS; ++turn)
        {
            auto frames = seeds[below (random, seeds.size())];
            for (auto changes = 1 + below (random, 3); changes > 0; --changes)
                if (frames.empty() || below (random, 4) == 0)
                    changeFrames (random, frames, seeds[below (random, seeds.size())]);
                else
                    changeBytes (
                        random, frames[frames.size() - 1
                                       - below (random, std::min<std::size_t> (frames.size(), 2))]);
            const auto reply = readReply (frames);
            if (const auto* good = std::get_if<Reply> (&reply))
                use (good->op, good->body);
            const auto event = readEvent (frames);
            if (const auto* good = std::get_if<Event> (&event))
                use ("", good->body);
            const bool isTaken =
                std::holds_alternative<Reply> (reply) || std::holds_alternative<Event> (event);
            ++(isTaken ? taken : refused);
        }
    }
    CHECK (taken > 100);
    CHECK (refused > 1000);
}
