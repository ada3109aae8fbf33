#pragma once

// Captures what passes through the plug-in: lock-free from the audio thread to a thread that writes
// a float WAV file, so that nothing is lost while the engine is away.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace stemlasso::capture
{

/** A place in bars and beats; the bar's number assumes that the signature was the same all along. */
struct MusicalTime
{
    double quarters = 0;       ///< from the timeline's start; may be negative in a pre-roll
    double beatsPerMinute = 0; ///< quarters per minute; 0: not known
    int numerator = 4, denominator = 4;

    bool operator== (const MusicalTime&) const = default;
};

/** What the host says of a block. */
struct Transport
{
    std::optional<std::int64_t> positionSamples; ///< of the first sample; negative in a pre-roll
    std::optional<MusicalTime> musical;          ///< of the same sample
    bool isPlaying = false;
};

/** One stretch that was captured without a break. */
struct Take
{
    std::uint64_t number = 0; ///< counts from 1 in a recorder's life
    std::string path; ///< of a float WAV file with its time reference; whole once `isFinished`
    double sampleRate = 0;
    int channels = 0;
    std::int64_t samples = 0;                    ///< so far
    std::optional<std::int64_t> positionSamples; ///< clamped to 0; none: the host did not say
    std::optional<MusicalTime> musical;          ///< of its first sample
    float level = 0;                             ///< its loudest sample lately; 0 once finished
    std::int64_t droppedSamples = 0;             ///< not 0: there is a gap, and the take says so
    bool isFinished = false;
    std::string problem; ///< not empty: the file could not be written, in words
};

class Recorder
{
public:
    /** folder: where takes are written, made when the first one begins. No thread and no file until
        the first block is captured. */
    explicit Recorder (std::string folder);
    ~Recorder();

    /** Host's or message thread, audio stopped. An open take ends when rate or channels change. */
    void prepare (double sampleRate, int channels, int largestBlock);

    /** Audio thread: never allocates, locks or waits, except that `mayWait` (an offline render)
        lets it wait for the writer instead of dropping. Begins a take when `isArmed` turns true,
        and a new one where the timeline jumps. */
    void process (const float* const* input, int channels, int samples, const Transport&,
                  bool isArmed, bool mayWait) noexcept;

    /** Message thread: takes so far, the open one last. */
    std::vector<Take> takes() const;
    /** Message thread: ends the open take when its armed blocks have stopped coming. */
    void finish();

private:
    class Writer;
    std::unique_ptr<Writer> writer;
};

} // namespace stemlasso::capture
