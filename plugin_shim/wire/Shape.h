#pragma once

// What a map on the wire must hold, field by field: the tables of bridge/PROTOCOL.md that concern
// this side, and the check of a value against one of them.

#include "Value.h"

#include <span>

namespace stemlasso::wire
{

enum class Kind
{
    text,      ///< to `most` bytes
    id,        ///< 1 to 64 characters
    idOrEmpty, ///< the same, or nothing
    word,      ///< any short text: words of later minors are passed over
    flag,
    whole,  ///< from `least` to `most`
    number, ///< the same, finite
    part,   ///< a map of another shape
    parts,  ///< to `most` of them
    wholes  ///< to 1024 of them, from `least` to `most`
};

struct Shape;

struct Field
{
    std::string_view name;
    Kind kind;
    double least = 0, most = 0;
    bool isNeeded = false, mayBeNull = false;
    const Shape* part = nullptr;
};

struct Shape
{
    std::span<const Field> fields;
};

/** Words that name the first field that is not as it must be; empty: all are. Fields that the shape
    does not know are ignored. */
std::string check (const Value&, const Shape&, const std::string& name = {});

namespace shapes
{
extern const Shape replyHeader, eventHeader, problem, empty, welcome, ping, clipPutReply, clipReply,
    clipPage, jobReply, subscription, jobProgressed;
} // namespace shapes

} // namespace stemlasso::wire
