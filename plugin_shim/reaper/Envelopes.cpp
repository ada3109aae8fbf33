#include "Envelopes.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace stemlasso::reaper
{

namespace
{
/** Reads an item's text line by line: how deep each line is, and which take it belongs to. */
class Lines
{
public:
    explicit Lines (const std::string& text) : stream (text) {}

    bool next()
    {
        depth = after;
        if (! std::getline (stream, line))
            return false;
        if (! line.empty() && line.back() == '\r')
            line.pop_back();
        bare = line.substr (std::min (line.find_first_not_of (" \t"), line.size()));
        if (bare.starts_with ("<"))
            ++after;
        else if (bare == ">")
            --after;
        if (isNewTake())
            guid.clear();
        else if (depth == 1 && bare.starts_with ("GUID "))
            guid = bare.substr (5);
        return true;
    }

    bool isNewTake() const { return depth == 1 && (bare == "TAKE" || bare.starts_with ("TAKE ")); }
    bool isLast() const { return depth == 1 && bare == ">"; }

    std::string line, bare; ///< bare: without the blanks before it
    std::string guid;       ///< of the take
    int depth = 0;          ///< of the block that the line stands in, or that it opens

private:
    std::istringstream stream;
    int after = 0;
};

bool isCarried (const std::string& bare, bool withPitch)
{
    for (const auto* name : { "<VOLENV", "<PANENV", "<MUTEENV" })
        if (bare.starts_with (name))
            return true;
    return withPitch && bare.starts_with ("<PITCHENV");
}

std::string pointAt (const std::string& bare, EnvelopeTimes times)
{
    char* rest = nullptr;
    const auto seconds = std::strtod (bare.c_str() + 3, &rest);
    char changed[64];
    std::snprintf (changed, sizeof changed, "PT %.12g",
                   (seconds + times.shiftSeconds) * times.scale);
    return changed + std::string (rest);
}
} // namespace

std::string envelopesOf (const std::string& item, const std::string& takeGuid, bool withPitch,
                         EnvelopeTimes times)
{
    std::string envelopes;
    bool isInside = false;
    for (Lines lines (item); lines.next();)
    {
        if (lines.depth == 1 && lines.guid == takeGuid && isCarried (lines.bare, withPitch))
            isInside = true;
        if (isInside && ! lines.bare.starts_with ("EGUID")) // REAPER gives each its own
            envelopes +=
                (lines.bare.starts_with ("PT ") ? pointAt (lines.bare, times) : lines.bare) + "\n";
        if (isInside && lines.depth == 2 && lines.bare == ">")
            isInside = false;
    }
    return isInside ? "" : envelopes; // a text that ends too early is no good
}

std::string withEnvelopes (const std::string& item, const std::string& envelopes)
{
    std::string changed;
    for (Lines lines (item); lines.next();)
    {
        if (lines.isNewTake() || lines.isLast())
            changed += envelopes;
        changed += lines.line + "\n";
    }
    return changed;
}

} // namespace stemlasso::reaper
