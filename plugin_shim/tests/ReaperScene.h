#pragma once

// A scene in the stand-in for REAPER: a project, a file, a folder that is gone at the end.

#include "hosts/FakeReaper.h"
#include "reaper/ReaperApi.h"
#include "reaper/Wav.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace stemlasso::reaper::scene
{
namespace fs = std::filesystem;

constexpr int rate = 48000;

/** A folder of its own, gone at the end. */
struct Folder
{
    fs::path path;
    Folder()
    {
        static int count = 0;
        path = fs::temp_directory_path()
               / ("stemlasso-reaper-"
                  + std::to_string (std::hash<std::thread::id>() (std::this_thread::get_id())) + "-"
                  + std::to_string (reinterpret_cast<std::uintptr_t> (this)) + "-"
                  + std::to_string (++count));
        fs::create_directories (path);
    }
    ~Folder() { fs::remove_all (path); }

    std::string file (const std::string& name) const { return (path / name).string(); }
    std::size_t count() const
    {
        return std::size_t (std::distance (fs::recursive_directory_iterator (path), {}));
    }
};

/** A float file whose every sample is another. */
inline std::vector<double> writeRamp (const std::string& path, int samples, int channels = 2,
                                      int sampleRate = rate)
{
    std::vector<double> values (std::size_t (samples * channels));
    for (std::size_t index = 0; index < values.size(); ++index)
        values[index] = double (float (index) / float (values.size()));
    FloatWav file (path, sampleRate, channels, samples);
    file.write (values, values.size());
    REQUIRE (file.keep().empty());
    return values;
}

inline std::vector<double> readFloats (const std::string& path)
{
    const auto format = readWav (path);
    REQUIRE (format);
    std::vector<float> samples (std::size_t (format->samples * format->channels));
    std::ifstream file (path, std::ios::binary);
    file.seekg (format->firstByte);
    file.read (reinterpret_cast<char*> (samples.data()), std::streamsize (samples.size() * 4));
    REQUIRE (file);
    return { samples.begin(), samples.end() };
}

struct Reaper
{
    Folder folder;
    FakeReaper fake;
    std::string loop = folder.file ("loop.wav");
    std::vector<double> ramp = writeRamp (loop, 2 * rate);
    std::size_t filesBefore = 0;

    Reaper()
    {
        fake.front->file = folder.file ("Nocturne.rpp");
        fake.front->mediaFolder = folder.file ("Media");
        filesBefore = folder.count();
    }

    ReaperApi api()
    {
        return ReaperApi ([this] (const char* name) { return fake.function (name); },
                          [this] { return fake.front; });
    }

    MediaItem* select (Track* track, Source* source, Values item, Values take = {})
    {
        auto* made = fake.addItem (track, std::move (item));
        fake.addTake (made, source, std::move (take));
        made->isSelected = true;
        return made;
    }

    Selection read() { return api().selectedItems (folder.file ("Media/StemLasso")); }

    Item readOne()
    {
        const auto selection = read();
        REQUIRE (selection.refusals.empty());
        REQUIRE (selection.items.size() == 1);
        return selection.items.front().item;
    }

    std::vector<StemToInsert> stems (int takes = 1)
    {
        std::vector<StemToInsert> made{
            { {}, "loop - snare", "snare", "#669BBC", false },
            { {}, "loop - residual", "snare (residual)", "#8A8F98", false }
        };
        for (int take = 1; take < takes; ++take)
            made.push_back (
                { {}, "loop - take " + std::to_string (take + 1), "snare take", {}, true });
        fs::create_directories (folder.path / "store");
        for (auto& stem : made)
            writeRamp (stem.path = folder.file ("store/" + stem.name + ".wav"), rate);
        return made;
    }

    std::vector<std::string> names() const
    {
        std::vector<std::string> all;
        for (const auto* track : fake.front->tracks)
            all.push_back (track->name);
        return all;
    }

    std::vector<int> depths() const
    {
        std::vector<int> all;
        for (const auto* track : fake.front->tracks)
            all.push_back (int (track->values.at ("I_FOLDERDEPTH")));
        return all;
    }

    void isClean() const
    {
        const auto problems = fake.problems();
        CAPTURE (problems);
        CHECK (problems.empty());
    }
};

using Names = std::vector<std::string>;
} // namespace stemlasso::reaper::scene
