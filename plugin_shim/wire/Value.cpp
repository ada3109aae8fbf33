#include "Value.h"

#include <bit>
#include <msgpack.hpp>

namespace stemlasso::wire
{

namespace
{
/** What msgpack's packer writes to. */
struct Appender
{
    std::string& to;
    void write (const char* bytes, std::size_t count) { to.append (bytes, count); }
};

void packNumber (double number, std::string& to)
{
    // msgpack's own would write a float without a fraction as a whole number.
    const auto bits = std::bit_cast<std::uint64_t> (number);
    to.push_back (static_cast<char> (0xcb));
    for (int shift = 56; shift >= 0; shift -= 8)
        to.push_back (static_cast<char> (bits >> shift & 0xff));
}

/** Builds a tree while msgpack reads; stops at the first thing that no message may hold. */
class Builder final : public msgpack::null_visitor
{
public:
    std::string words;
    Value root;

    bool visit_nil() { return put (Value()); }
    bool visit_boolean (bool given) { return put (given); }
    bool visit_positive_integer (std::uint64_t given)
    {
        if (given > std::uint64_t (largestWhole))
            return refuse ("a whole number beyond 2^53");
        return put (std::int64_t (given));
    }
    bool visit_negative_integer (std::int64_t given)
    {
        if (given < -largestWhole)
            return refuse ("a whole number below -2^53");
        return put (given);
    }
    bool visit_float32 (float given) { return put (double (given)); }
    bool visit_float64 (double given) { return put (given); }
    bool visit_str (const char* bytes, std::uint32_t size)
    {
        const std::string_view text (bytes, size);
        if (! isCleanText (text))
            return refuse ("text that is not UTF-8 without NUL");
        if (isKey)
        {
            key = text;
            return true;
        }
        return put (std::string (text));
    }
    bool visit_bin (const char*, std::uint32_t) { return refuse ("raw bytes"); }
    bool visit_ext (const char*, std::uint32_t) { return refuse ("an extension type"); }

    bool start_array (std::uint32_t count) { return open (count, List()); }
    bool end_array() { return close(); }
    bool start_map (std::uint32_t count) { return open (count, Map()); }
    bool end_map() { return close(); }
    bool start_map_key()
    {
        isKey = true;
        return true;
    }
    bool end_map_key()
    {
        isKey = false;
        opened.back().key = key;
        return true;
    }

    void parse_error (std::size_t, std::size_t) { refuse ("it is not msgpack"); }
    void insufficient_bytes (std::size_t, std::size_t) { refuse ("it ends too early"); }

private:
    struct Opened
    {
        Value value;
        List list;
        Map map;
        bool isMap;
        std::string key;
    };
    std::vector<Opened> opened;
    std::string key;
    bool isKey = false;

    bool refuse (const char* what)
    {
        if (words.empty())
            words = what;
        return false;
    }

    bool put (Value value)
    {
        if (isKey)
            return refuse ("a key that is not text");
        if (opened.empty())
            root = std::move (value);
        else if (opened.back().isMap)
            opened.back().map.emplace_back (std::move (opened.back().key), std::move (value));
        else
            opened.back().list.push_back (std::move (value));
        return true;
    }

    template <typename Container>
    bool open (std::uint32_t count, Container)
    {
        if (isKey)
            return refuse ("a key that is not text");
        if (count > mostEntries)
            return refuse ("a list or map of more than 1024 entries");
        if (opened.size() >= deepest)
            return refuse ("lists and maps deeper than 64");
        opened.push_back ({ {}, {}, {}, std::is_same_v<Container, Map>, {} });
        return true;
    }

    bool close()
    {
        auto last = std::move (opened.back());
        opened.pop_back();
        return put (last.isMap ? Value (std::move (last.map)) : Value (std::move (last.list)));
    }
};

/** Bytes of the character that begins the text; 0 where none does. */
std::size_t characterSize (std::string_view text)
{
    const auto byte = [&] (std::size_t at)
    { return at < text.size() ? static_cast<unsigned char> (text[at]) : 0u; };
    const auto goesOn = [&] (std::size_t at) { return (byte (at) & 0xc0) == 0x80; };
    const auto first = byte (0);
    if (first < 0x80)
        return first == 0 ? 0 : 1;
    if (first >= 0xc2 && first <= 0xdf)
        return goesOn (1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef)
    {
        const bool isSpelledLong = first == 0xe0 && byte (1) < 0xa0;
        const bool isSurrogate = first == 0xed && byte (1) >= 0xa0;
        return goesOn (1) && goesOn (2) && ! isSpelledLong && ! isSurrogate ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4)
    {
        const bool isSpelledLong = first == 0xf0 && byte (1) < 0x90;
        const bool isBeyond = first == 0xf4 && byte (1) >= 0x90;
        return goesOn (1) && goesOn (2) && goesOn (3) && ! isSpelledLong && ! isBeyond ? 4 : 0;
    }
    return 0;
}
} // namespace

std::optional<double> Value::number() const
{
    if (const auto* given = std::get_if<double> (&held))
        return *given;
    if (const auto* given = whole())
        return double (*given);
    return std::nullopt;
}

const Value* Value::find (std::string_view key) const
{
    const Value* found = nullptr;
    if (const auto* entries = map())
        for (const auto& [name, value] : *entries)
            if (name == key)
                found = &value; // of a key that comes twice the last one counts, as in Python
    return found;
}

bool isCleanText (std::string_view text)
{
    while (! text.empty())
    {
        const auto size = characterSize (text);
        if (size == 0)
            return false;
        text.remove_prefix (size);
    }
    return true;
}

void pack (const Value& value, std::string& to)
{
    Appender stream{ to };
    msgpack::packer<Appender> packer (stream);
    const auto packText = [&] (const std::string& text)
    {
        packer.pack_str (std::uint32_t (text.size()));
        packer.pack_str_body (text.data(), std::uint32_t (text.size()));
    };
    if (const auto* given = value.flag())
        *given ? packer.pack_true() : packer.pack_false();
    else if (const auto* count = value.whole())
        packer.pack_int64 (*count);
    else if (const auto number = value.number())
        packNumber (*number, to);
    else if (const auto* text = value.text())
        packText (*text);
    else if (const auto* list = value.list())
    {
        packer.pack_array (std::uint32_t (list->size()));
        for (const auto& each : *list)
            pack (each, to);
    }
    else if (const auto* map = value.map())
    {
        packer.pack_map (std::uint32_t (map->size()));
        for (const auto& [name, each] : *map)
        {
            packText (name);
            pack (each, to);
        }
    }
    else
        packer.pack_nil();
}

std::optional<Value> unpack (std::string_view bytes, std::string& words)
{
    Builder builder;
    std::size_t end = 0;
    if (! msgpack::parse (bytes.data(), bytes.size(), end, builder) || ! builder.words.empty())
        words = builder.words.empty() ? "it is not msgpack" : builder.words;
    else if (end != bytes.size())
        words = "there is something behind it";
    else
        return std::move (builder.root);
    return std::nullopt;
}

} // namespace stemlasso::wire
