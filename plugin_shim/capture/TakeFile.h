#pragma once

// A take on the disk: a float32 WAV file with a Broadcast Wave time reference, RF64 beyond 4 GB.
// Its header is brought up to date while it grows, so that a crash leaves a file that can be read.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

namespace stemlasso::capture
{

struct TakeFormat
{
    double sampleRate = 48000;
    int channels = 2;
    std::optional<std::int64_t> positionSamples; ///< the time reference; none: 0
    std::string description;                     ///< for people, at most 256 bytes of ASCII
    /// sizes beyond this are written as RF64; only tests have another one
    std::uint64_t largestRiff = 0xFFFFFFFF;
};

/** Only one thread at a time. While it is open, the file is locked: a file of a process that died
    can be told from one that is being written. */
class TakeFile
{
public:
    /** path: there must be no such file. None and words when it cannot be made. */
    static std::unique_ptr<TakeFile> create (const std::string& path, const TakeFormat&,
                                             std::string& problem);
    /** Closes; what was appended since the last `update` may not be in the header. */
    ~TakeFile();

    /** samples: interleaved. False and words when they could not be written; what was written before
        stays, in whole frames. */
    bool append (const float* samples, std::uint64_t frames, std::string& problem);
    /** Brings the header up to date. */
    bool update();
    std::uint64_t frames() const { return writtenFrames; }

    /** What a process that died can have left. */
    enum class Left
    {
        whole,   ///< its header is in order now
        nothing, ///< ours, without one whole frame
        unknown  ///< still being written, none of ours, or it cannot be opened
    };
    /** Brings a file that its process left behind in order. */
    static Left repair (const std::string& path);

private:
    TakeFile (std::FILE*, std::string path, const TakeFormat&);

    std::FILE* const file;
    const std::string path;
    const TakeFormat format;
    std::uint64_t writtenFrames = 0;
};

} // namespace stemlasso::capture
