#pragma once

// WAV files: find the samples, copy a stretch of them unchanged, write new ones. Paths are UTF-8.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace stemlasso::reaper
{

std::filesystem::path pathOf (const std::string& utf8);
std::string utf8Of (const std::filesystem::path&);

/** A name that every system lets a file have, of at most 80 bytes. */
std::string cleanName (const std::string& name);

/** What a WAV, RF64 or BW64 file of linear samples holds. */
struct WavFormat
{
    std::int64_t firstByte = 0, samples = 0;
    int channels = 0, sampleRate = 0, frameBytes = 0;
    std::string body; ///< of its "fmt " chunk
};

/** None for all that is no such file. */
std::optional<WavFormat> readWav (const std::string& path);

/** A file that grows under a name of its own (`.part` behind it) and is gone unless it is kept. */
class NewFile
{
public:
    explicit NewFile (std::string path);
    ~NewFile();
    NewFile (const NewFile&) = delete;
    NewFile& operator= (const NewFile&) = delete;

    /** Nothing more is written once the disk was full. */
    void write (const std::string& bytes);
    /** Gives it its name. Returns words when it could not be written, and then leaves none. */
    std::string keep();

private:
    std::string path;
    std::ofstream file;
};

/** Under which name a file grows. */
std::string partOf (const std::string& path);

/** Copies samples [first, stop) to a new file, bit for bit, a block with each step. */
class WavCut
{
public:
    WavCut (std::string from, const WavFormat&, std::int64_t first, std::int64_t stop,
            std::string to);
    /** Returns words when it could not, and then leaves no file. */
    std::string step();
    bool isDone() const { return isKept; }
    double progress() const;

private:
    std::string from, to;
    std::int64_t bytes, left;
    std::ifstream reader;
    NewFile writer;
    std::string block;
    bool isKept = false;
};

/** Writes a float32 file block by block; leaves none unless it is kept. */
class FloatWav
{
public:
    FloatWav (const std::string& path, int sampleRate, int channels, std::int64_t samples);
    void write (const std::vector<double>& interleaved, std::size_t count);
    /** Returns words when the file could not be written. */
    std::string keep() { return file.keep(); }

private:
    NewFile file;
    std::string block;
};

} // namespace stemlasso::reaper
