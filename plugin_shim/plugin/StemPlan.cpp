#include "StemPlan.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace stemlasso
{

namespace
{
const juce::Identifier itemType{ "ReaperItem" };

juce::String text (const std::string& utf8) { return juce::String::fromUTF8 (utf8.c_str()); }

/** The job's manifest: where the result says, or beside the folder of the stems. */
juce::var manifestOf (const WorkClip& clip)
{
    juce::File file;
    if (clip.errand != nullptr)
        if (const auto view = clip.errand->view(); view->job && view->job->result)
            file = text (view->job->result->manifestPath);
    if (! file.existsAsFile())
        file = juce::File (text (clip.stems.front().path))
                   .getParentDirectory()
                   .getSiblingFile ("timeline.json");
    return file.existsAsFile() ? juce::JSON::parse (file) : juce::var();
}

reaper::StemToInsert unnamed (const wire::Stem& stem, const juce::String& description)
{
    const auto said = description.trim().isEmpty() ? juce::String ("target") : description.trim();
    const auto take = stem.index > 0 ? " take " + juce::String (stem.index + 1) : juce::String();
    const auto track = stem.role == "residual" ? said + " (residual)" : said + take;
    return { stem.path,
             text (stem.name).upToLastOccurrenceOf (".", false, false).toStdString(),
             track.toStdString(),
             {},
             stem.role == "candidate" };
}

template <typename Visitor>
void visitFields (Visitor&& visit, auto& item)
{
    visit ("guid", item.guid);
    visit ("takeGuid", item.takeGuid);
    visit ("file", item.file);
    visit ("name", item.name);
    visit ("track", item.trackName);
    visit ("project", item.project);
    visit ("position", item.positionSeconds);
    visit ("length", item.lengthSeconds);
    visit ("offset", item.offsetSeconds);
    visit ("playRate", item.playRate);
    visit ("takeRate", item.takeRate);
    visit ("takeOffset", item.takeOffset);
    visit ("start", item.startSeconds);
    visit ("isRendered", item.isRendered);
}

struct Writer
{
    juce::ValueTree tree;
    void operator() (const char* name, const std::string& value)
    {
        tree.setProperty (name, text (value), nullptr);
    }
    void operator() (const char* name, double value)
    {
        std::array<char, 40> digits{}; // all of them: the state is kept as text
        std::snprintf (digits.data(), digits.size(), "%.17g", value);
        tree.setProperty (name, juce::String (digits.data()), nullptr);
    }
    void operator() (const char* name, bool value)
    {
        tree.setProperty (name, value ? 1 : 0, nullptr);
    }
};

struct Reader
{
    const juce::ValueTree& tree;
    bool isWell = true;
    void operator() (const char* name, std::string& value)
    {
        value = tree[name].toString().toStdString();
    }
    void operator() (const char* name, double& value)
    {
        value = tree[name].toString().getDoubleValue();
        isWell = isWell && std::isfinite (value);
    }
    void operator() (const char* name, bool& value)
    {
        value = tree[name].toString().getIntValue() != 0;
    }
};
} // namespace

std::vector<reaper::StemToInsert> stemsToInsert (const WorkClip& clip, bool withTakes)
{
    const auto manifest = manifestOf (clip);
    std::vector<reaper::StemToInsert> made;
    for (const auto& stem : clip.stems)
    {
        auto one = unnamed (stem, text (clip.prompt.description));
        if (one.isCandidate && ! withTakes)
            continue;
        if (const auto* listed = manifest["stems"].getArray())
            for (const auto& each : *listed)
                if (each["role"].toString() == text (stem.role)
                    && juce::int64 (each["take"]) == stem.index)
                {
                    one.name = each["name"].toString().toStdString();
                    one.track = each["track"].toString().toStdString();
                    one.colour = each["colour"].toString().toStdString();
                }
        made.push_back (one);
    }
    return made;
}

std::string jobOf (const WorkClip& clip)
{
    return clip.stems.empty() ? "" : manifestOf (clip)["job_id"].toString().toStdString();
}

juce::ValueTree saveItem (const reaper::Item& item)
{
    Writer writer{ juce::ValueTree (itemType) };
    visitFields (writer, item);
    return writer.tree;
}

std::optional<reaper::Item> restoreItem (const juce::ValueTree& tree)
{
    if (! tree.hasType (itemType))
        return {};
    reaper::Item item;
    Reader reader{ tree };
    visitFields (reader, item);
    const bool isWell = reader.isWell && ! item.guid.empty() && item.playRate > 0
                        && item.takeRate > 0 && item.lengthSeconds >= 0;
    return isWell ? std::optional (item) : std::nullopt;
}

} // namespace stemlasso
