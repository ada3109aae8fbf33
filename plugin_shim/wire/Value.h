#pragma once

// A tree of plain values, as a header or a body holds it, and its msgpack form. Strict both ways.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace stemlasso::wire
{

class Value;
using List = std::vector<Value>;
/** Keeps the order it was made in: a message is written to the byte. */
using Map = std::vector<std::pair<std::string, Value>>;

class Value
{
public:
    using Held = std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map>;

    Value() = default;
    Value (bool given) : held (given) {}
    Value (int given) : held (std::int64_t{ given }) {}
    Value (std::int64_t given) : held (given) {}
    Value (double given) : held (given) {}
    Value (const char* given) : held (std::string (given)) {}
    Value (std::string given) : held (std::move (given)) {}
    Value (List given) : held (std::move (given)) {}
    Value (Map given) : held (std::move (given)) {}
    template <typename Content>
    Value (const std::optional<Content>& given)
    {
        if (given)
            *this = Value (*given);
    }

    bool isNull() const { return std::holds_alternative<std::monostate> (held); }
    const bool* flag() const { return std::get_if<bool> (&held); }
    const std::int64_t* whole() const { return std::get_if<std::int64_t> (&held); }
    const std::string* text() const { return std::get_if<std::string> (&held); }
    const List* list() const { return std::get_if<List> (&held); }
    const Map* map() const { return std::get_if<Map> (&held); }
    /** A whole number counts as one. */
    std::optional<double> number() const;
    /** Of a map; none where there is no such key, or this is no map. */
    const Value* find (std::string_view key) const;

    bool operator== (const Value&) const = default;

private:
    Held held;
};

/** Largest whole number on the wire, either way: every language holds it exactly. */
inline constexpr std::int64_t largestWhole = std::int64_t{ 1 } << 53;
/** Of one list or map. */
inline constexpr std::size_t mostEntries = 1024;
/** Lists and maps within each other; the deepest message has seven. */
inline constexpr std::size_t deepest = 64;

/** Whether text is whole UTF-8 without NUL. */
bool isCleanText (std::string_view);

/** Appends the msgpack form. */
void pack (const Value&, std::string& to);

/** The one value that the bytes hold, with nothing behind it; otherwise none, and words. */
std::optional<Value> unpack (std::string_view bytes, std::string& words);

} // namespace stemlasso::wire
