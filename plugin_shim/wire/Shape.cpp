#include "Shape.h"

#include <cmath>

namespace stemlasso::wire
{

namespace
{
constexpr double anyCount = double (largestWhole);
constexpr double anyNumber = 1e15;
constexpr double pathBytes = 16384;

constexpr Field needed (Field field)
{
    field.isNeeded = true;
    return field;
}
constexpr Field orNull (Field field)
{
    field.mayBeNull = true;
    return field;
}
constexpr Field text (std::string_view name, double most = 1024)
{
    return { name, Kind::text, 0, most };
}
constexpr Field path (std::string_view name) { return text (name, pathBytes); }
constexpr Field id (std::string_view name) { return { name, Kind::id }; }
constexpr Field idOrEmpty (std::string_view name) { return { name, Kind::idOrEmpty }; }
constexpr Field word (std::string_view name) { return { name, Kind::word, 0, 64 }; }
constexpr Field flag (std::string_view name) { return { name, Kind::flag }; }
constexpr Field whole (std::string_view name, double least, double most)
{
    return { name, Kind::whole, least, most };
}
constexpr Field count (std::string_view name) { return whole (name, 0, anyCount); }
constexpr Field number (std::string_view name, double least = -anyNumber, double most = anyNumber)
{
    return { name, Kind::number, least, most };
}
constexpr Field part (std::string_view name, const Shape& shape)
{
    return { name, Kind::part, 0, 0, false, false, &shape };
}
constexpr Field parts (std::string_view name, double most, const Shape& shape)
{
    return { name, Kind::parts, 0, most, false, false, &shape };
}
constexpr Field wholes (std::string_view name, double least, double most)
{
    return { name, Kind::wholes, least, most };
}

constexpr Field limitsFields[] = { count ("header_bytes"),  count ("body_bytes"),
                                   count ("chunk_bytes"),   count ("requests_in_flight"),
                                   count ("clients"),       count ("uploads"),
                                   count ("upload_idle_s"), count ("clips"),
                                   count ("clip_s"),        count ("clip_bytes"),
                                   count ("queued_jobs") };
constexpr Shape limits{ limitsFields };

constexpr Field originFields[] = { text ("host"),
                                   path ("project"),
                                   text ("track"),
                                   orNull (number ("position_s")),
                                   orNull (whole ("position_samples", -anyCount, anyCount)),
                                   orNull (number ("tempo_bpm", 0, 1000)) };
constexpr Shape origin{ originFields };

constexpr Field clipFields[] = { needed (id ("clip_id")), needed (text ("name")),
                                 path ("path"),           word ("kind"),
                                 count ("sample_rate"),   count ("n_channels"),
                                 count ("n_samples"),     count ("n_bytes"),
                                 number ("created_s"),    part ("origin", origin) };
constexpr Shape clip{ clipFields };

constexpr Field spanFields[] = { needed (number ("start_s", 0)), needed (number ("end_s", 0)),
                                 word ("sign") };
constexpr Shape span{ spanFields };

constexpr Field promptFields[] = { text ("description", 2000), parts ("spans", 256, span),
                                   path ("video_path"), path ("mask_path") };
constexpr Shape prompt{ promptFields };

constexpr Field rerunFields[] = { needed (id ("base_job_id")), needed (number ("start_s", 0)),
                                  needed (number ("end_s", 0)) };
constexpr Shape rerun{ rerunFields };

constexpr Field optionsFields[] = { word ("separator"),
                                    word ("quality"),
                                    whole ("n_candidates", 1, 8),
                                    whole ("seed", 0, 4294967295.0),
                                    word ("stereo"),
                                    word ("residual"),
                                    number ("presence_gate", 0, 1),
                                    whole ("n_threads", 0, 1024),
                                    word ("format"),
                                    path ("output_folder"),
                                    flag ("allow_overwrite"),
                                    word ("priority"),
                                    orNull (part ("rerun", rerun)) };
constexpr Shape options{ optionsFields };

constexpr Field progressFields[] = { text ("stage"), number ("fraction", 0, 1),
                                     orNull (number ("seconds_left")) };
constexpr Shape progress{ progressFields };

constexpr Field problemFields[] = { needed (text ("code", 64)), needed (text ("message", 4096)) };
constexpr Shape aProblem{ problemFields };

constexpr Field stemFields[] = { needed (word ("role")), needed (text ("name")),
                                 path ("path"),          count ("index"),
                                 count ("n_bytes"),      text ("sha256", 64),
                                 count ("sample_rate"),  count ("n_channels"),
                                 count ("n_samples"),    orNull (number ("score")) };
constexpr Shape stem{ stemFields };

constexpr Field presenceFields[] = { needed (number ("period_s", 0)), number ("start_s", 0),
                                     wholes ("percent", 0, 100) };
constexpr Shape presence{ presenceFields };

constexpr Field resultFields[] = { parts ("stems", 10, stem),
                                   path ("manifest_path"),
                                   path ("receipt_path"),
                                   path ("folder"),
                                   text ("separator", 64),
                                   parts ("spans", 256, span),
                                   number ("confidence", 0, 1),
                                   orNull (number ("null_db")),
                                   parts ("notices", 16, aProblem),
                                   number ("took_s"),
                                   flag ("from_store"),
                                   orNull (part ("presence", presence)) };
constexpr Shape result{ resultFields };

constexpr Field jobFields[] = { needed (id ("job_id")),
                                needed (id ("clip_id")),
                                needed (part ("prompt", prompt)),
                                part ("options", options),
                                word ("state"),
                                text ("clip_name"),
                                part ("origin", origin),
                                part ("progress", progress),
                                count ("attempt"),
                                idOrEmpty ("retry_of"),
                                number ("created_s"),
                                orNull (number ("started_s")),
                                orNull (number ("finished_s")),
                                orNull (part ("error", aProblem)),
                                orNull (part ("result", result)) };
constexpr Shape job{ jobFields };

constexpr Field familyFields[] = { needed (word ("family")), needed (count ("sequence")) };
constexpr Shape family{ familyFields };

constexpr Field replyHeaderFields[] = { needed (orNull (count ("id"))), needed (text ("op", 64)),
                                        needed (word ("status")) };
constexpr Field eventHeaderFields[] = { needed (text ("event", 64)), needed (count ("sequence")),
                                        needed (number ("time_s")) };
constexpr Field welcomeFields[] = { needed (text ("protocol", 16)),
                                    needed (text ("server_version", 64)),
                                    needed (id ("server_id")),
                                    count ("pid"),
                                    flag ("paths"),
                                    part ("limits", limits) };
constexpr Field pingFields[] = { text ("echo", 256) };
constexpr Field putReplyFields[] = { orNull (part ("clip", clip)), idOrEmpty ("upload_id"),
                                     count ("chunk_bytes"), count ("window") };
constexpr Field clipReplyFields[] = { needed (part ("clip", clip)) };
constexpr Field clipPageFields[] = { parts ("clips", 200, clip), count ("total") };
constexpr Field jobReplyFields[] = { needed (part ("job", job)) };
constexpr Field subscriptionFields[] = { needed (whole ("port", 1, 65535)),
                                         parts ("sequences", 256, family) };
constexpr Field progressedFields[] = { needed (id ("job_id")),
                                       needed (part ("progress", progress)) };

bool isId (const std::string& text)
{
    const auto isFirst = [] (char c)
    { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    if (text.empty() || text.size() > 64 || ! isFirst (text[0]))
        return false;
    for (const auto c : text)
        if (! isFirst (c) && c != '_' && c != '.' && c != '-')
            return false;
    return true;
}

bool isWithin (const std::optional<double>& number, const Field& field)
{
    return number && std::isfinite (*number) && *number >= field.least && *number <= field.most;
}

/** Words for what is wrong with `value`; of a list, for its first bad entry. */
std::string checkField (const Value&, const Field&, const std::string& name);

std::string checkEach (const Value& value, const Field& field, const std::string& name)
{
    const double most = field.kind == Kind::wholes ? double (mostEntries) : field.most;
    const auto* list = value.list();
    if (list == nullptr || double (list->size()) > most)
        return name + ": a list that is not too long was expected";
    auto one = field;
    one.kind = field.kind == Kind::wholes ? Kind::whole : Kind::part;
    for (std::size_t index = 0; index < list->size(); ++index)
    {
        auto words = checkField ((*list)[index], one, name + "[" + std::to_string (index) + "]");
        if (! words.empty())
            return words;
    }
    return {};
}

std::string checkField (const Value& value, const Field& field, const std::string& name)
{
    const auto unless = [&] (bool isGood, const char* wanted)
    { return isGood ? std::string() : name + ": " + wanted + " was expected"; };
    const auto* given = value.text();
    if (value.isNull() && field.mayBeNull)
        return {};
    switch (field.kind)
    {
    case Kind::text:
    case Kind::word:
        return unless (given != nullptr && double (given->size()) <= field.most,
                       "text that is not too long");
    case Kind::id:
        return unless (given != nullptr && isId (*given), "an id");
    case Kind::idOrEmpty:
        return unless (given != nullptr && (given->empty() || isId (*given)), "an id or nothing");
    case Kind::flag:
        return unless (value.flag() != nullptr, "true or false");
    case Kind::whole:
        return unless (value.whole() != nullptr && isWithin (value.number(), field),
                       "a whole number within its bounds");
    case Kind::number:
        return unless (isWithin (value.number(), field), "a number within its bounds");
    case Kind::part:
        return check (value, *field.part, name);
    case Kind::parts:
    case Kind::wholes:
        return checkEach (value, field, name);
    }
    return {};
}
} // namespace

std::string check (const Value& value, const Shape& shape, const std::string& name)
{
    if (value.map() == nullptr)
        return (name.empty() ? "it" : name) + ": a map was expected";
    for (const auto& field : shape.fields)
    {
        const auto path = (name.empty() ? "" : name + ".") + std::string (field.name);
        if (const auto* found = value.find (field.name))
        {
            if (auto words = checkField (*found, field, path); ! words.empty())
                return words;
        }
        else if (field.isNeeded)
            return path + ": it is missing";
    }
    return {};
}

namespace shapes
{
constexpr Shape replyHeader{ replyHeaderFields };
constexpr Shape eventHeader{ eventHeaderFields };
constexpr Shape problem{ problemFields };
constexpr Shape empty{};
constexpr Shape welcome{ welcomeFields };
constexpr Shape ping{ pingFields };
constexpr Shape clipPutReply{ putReplyFields };
constexpr Shape clipReply{ clipReplyFields };
constexpr Shape clipPage{ clipPageFields };
constexpr Shape jobReply{ jobReplyFields };
constexpr Shape subscription{ subscriptionFields };
constexpr Shape jobProgressed{ progressedFields };
} // namespace shapes

} // namespace stemlasso::wire
