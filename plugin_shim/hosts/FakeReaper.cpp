#include "FakeReaper.h"

#include "FakeFunctions.h"
#include "reaper/Wav.h"

#include <algorithm>
#include <cstdio>

namespace stemlasso::reaper
{

FakeReaper* fake = nullptr;

namespace
{
const Values trackValues{ { "D_VOL", 1 },           { "D_PAN", 0 },
                          { "I_FOLDERDEPTH", 0 },   { "I_CUSTOMCOLOR", 0 },
                          { "B_MUTE", 0 },          { "B_PHASE", 0 },
                          { "I_NCHAN", 2 },         { "I_PANMODE", -1 },
                          { "D_WIDTH", 1 },         { "D_DUALPANL", -1 },
                          { "D_DUALPANR", 1 },      { "D_PANLAW", -1 },
                          { "I_PANLAW_FLAGS", -1 }, { "C_BEATATTACHMODE", -1 } };
const Values itemValues{
    { "D_POSITION", 0 },         { "D_LENGTH", 0 },          { "D_VOL", 1 },
    { "B_LOOPSRC", 1 },          { "C_BEATATTACHMODE", -1 }, { "B_MUTE", 0 },
    { "D_FADEINLEN", 0.01 },     { "D_FADEOUTLEN", 0.01 },   { "D_FADEINLEN_AUTO", -1 },
    { "D_FADEOUTLEN_AUTO", -1 }, { "D_FADEINDIR", 0 },       { "D_FADEOUTDIR", 0 },
    { "C_FADEINSHAPE", 0 },      { "C_FADEOUTSHAPE", 0 }
};
const Values takeValues{ { "D_STARTOFFS", 0 }, { "D_PLAYRATE", 1 }, { "B_PPITCH", 1 },
                         { "D_PITCH", 0 },     { "D_VOL", 1 },      { "D_PAN", 0 },
                         { "I_CHANMODE", 0 },  { "D_PANLAW", -1 },  { "I_PITCHMODE", -1 } };

Values changed (Values values, const Values& changes)
{
    for (const auto& [name, value] : changes)
        values[name] = value;
    return values;
}

std::string quoted (const std::string& text)
{
    std::string result = "\"";
    for (const char letter : text)
    {
        char code[8];
        std::snprintf (code, sizeof code, "\\u%04x", unsigned (letter));
        if (letter == '"' || letter == '\\')
            result += std::string ("\\") + letter;
        else
            result += std::uint8_t (letter) < 32 ? std::string (code) : std::string (1, letter);
    }
    return result + "\"";
}

std::string number (double value)
{
    char text[32];
    std::snprintf (text, sizeof text, "%.17g", value);
    return text;
}

template <typename List, typename Text>
std::string list (const List& things, Text text)
{
    std::string result = "[";
    for (const auto& thing : things)
        result += (result.size() > 1 ? ", " : "") + text (thing);
    return result + "]";
}

std::string fields (const Values& values)
{
    std::string result;
    for (const auto& [name, value] : values)
        result += ", " + quoted (name) + ": " + number (value);
    return result;
}

std::string jsonOf (const Take* take)
{
    return "{\"name\": " + quoted (take->name)
           + ", \"file\": " + quoted (take->source != nullptr ? take->source->file : "")
           + ", \"envelopes\": " + quoted (take->envelopes) + ", \"is_active\": "
           + (take->item->active == take ? "true" : "false") + fields (take->values) + "}";
}

std::string jsonOf (const MediaItem* item)
{
    return "{\"takes\": " + list (item->takes, [] (const Take* take) { return jsonOf (take); })
           + fields (item->values) + "}";
}

std::string jsonOf (const Track* track)
{
    return "{\"name\": " + quoted (track->name) + ", \"items\": "
           + list (track->items, [] (const MediaItem* item) { return jsonOf (item); })
           + fields (track->values) + "}";
}

std::string jsonOf (const Project& project)
{
    return "{\"tracks\": "
           + list (project.tracks, [] (const Track* track) { return jsonOf (track); })
           + ", \"undo\": " + list (project.undo, quoted) + ", \"kept\": "
           + list (project.kept, [] (const auto& each) { return quoted (each.first); }) + "}";
}
} // namespace

FakeReaper::FakeReaper() : mainThread (std::this_thread::get_id())
{
    fake = this;
    projects.push_back (std::make_unique<Project>());
    front = projects.front().get();
}

FakeReaper::~FakeReaper() { fake = nullptr; }

void* FakeReaper::function (const std::string& name)
{
    if (std::this_thread::get_id() != mainThread)
        note ("a function is asked for on another thread: " + name);
    auto* found = readingFunction (name);
    if (found == nullptr)
        found = writingFunction (name);
    if (found == nullptr)
        note ("REAPER has no function " + name);
    return missing.contains (name) ? nullptr : found;
}

void FakeReaper::tick()
{
    const auto before = slices;
    for (auto* timer : std::vector (timers))
        timer();
    mostSlices = std::max (mostSlices, slices - before);
}

bool FakeReaper::begin (const char* function)
{
    if (std::this_thread::get_id() != mainThread)
        note (std::string (function) + " is called on another thread");
    if (missing.contains (function))
        note (std::string (function) + " is called, and this REAPER has none");
    const auto count = ++calls[function];
    const auto failure = failing.find (function);
    return failure == failing.end() || count != failure->second;
}

void FakeReaper::changing (Project* project, const char* function)
{
    if (! project->isInBlock)
        note (std::string (function) + ": a change outside an undo block");
}

void FakeReaper::note (const std::string& problem) { noted.push_back (problem); }

std::vector<std::string> FakeReaper::problems() const
{
    auto all = noted;
    if (accessors != 0)
        all.push_back (std::to_string (accessors) + " audio accessors are left");
    if (refresh != 0)
        all.push_back ("PreventUIRefresh is not balanced");
    if (! unowned.empty())
        all.push_back (std::to_string (unowned.size()) + " sources are left");
    for (const auto& project : projects)
        if (project->isInBlock)
            all.push_back ("an undo block is left open");
    return all;
}

std::string FakeReaper::newGuid()
{
    char text[64];
    std::snprintf (text, sizeof text, "{%08X-0000-0000-0000-000000000000}", unsigned (++guids));
    return text;
}

Track* FakeReaper::addTrack (const std::string& name, Values values)
{
    auto track = std::make_unique<Track>();
    track->project = front;
    track->name = name;
    track->guid = newGuid();
    track->values = changed (trackValues, values);
    front->tracks.push_back (track.get());
    allTracks.push_back (std::move (track));
    return front->tracks.back();
}

MediaItem* FakeReaper::addItem (Track* track, Values values)
{
    auto item = std::make_unique<MediaItem>();
    item->track = track;
    item->guid = newGuid();
    item->values = changed (itemValues, values);
    track->items.push_back (item.get());
    allItems.push_back (std::move (item));
    return track->items.back();
}

Take* FakeReaper::addTake (MediaItem* item, Source* source, Values values)
{
    auto take = std::make_unique<Take>();
    take->item = item;
    take->source = source;
    take->guid = newGuid();
    take->values = changed (takeValues, values);
    item->takes.push_back (take.get());
    item->active = item->active != nullptr ? item->active : take.get();
    allTakes.push_back (std::move (take));
    return item->takes.back();
}

Source* FakeReaper::makeSource (const std::string& kind, const std::string& file, double length)
{
    auto source = std::make_unique<Source>();
    source->kind = kind;
    source->file = file;
    source->length = length;
    allSources.push_back (std::move (source));
    return allSources.back().get();
}

Source* FakeReaper::openWave (const std::string& file)
{
    const auto format = readWav (file);
    if (! format)
        return nullptr;
    auto* source = makeSource ("WAVE", file, double (format->samples) / format->sampleRate);
    source->rate = format->sampleRate;
    source->channels = format->channels;
    return source;
}

Source* FakeReaper::reverse (Source* parent)
{
    auto* source = makeSource ("SECTION", "", parent->length);
    source->parent = parent;
    source->isReversed = true;
    return source;
}

void FakeReaper::deleteItem (MediaItem* item)
{
    std::erase (item->track->items, item);
    item->isDead = true;
    for (auto* take : item->takes)
        take->isDead = true;
}

void FakeReaper::closeProject (Project* project)
{
    for (auto* track : project->tracks)
    {
        track->isDead = true;
        while (! track->items.empty())
            deleteItem (track->items.back());
    }
    closed.push_back (project);
    if (front == project)
        front = closed.size() < projects.size() ? projects.back().get() : nullptr;
}

bool FakeReaper::isOpen (const Project* project) const
{
    return std::find (closed.begin(), closed.end(), project) == closed.end();
}

std::string FakeReaper::describe (const Project& project) const
{
    auto text = jsonOf (project);
    return text.substr (0, text.rfind (", \"undo\""));
}

std::string FakeReaper::json() const
{
    return "{\"projects\": "
           + list (projects,
                   [] (const std::unique_ptr<Project>& project) { return jsonOf (*project); })
           + ", \"problems\": " + list (problems(), quoted) + ", \"commands\": "
           + list (commands, [] (int command) { return std::to_string (command); })
           + ", \"timers\": " + std::to_string (timers.size())
           + ", \"most_slices\": " + std::to_string (mostSlices) + "}";
}

} // namespace stemlasso::reaper
