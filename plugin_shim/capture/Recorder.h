#pragma once

// Captures what passes through the plug-in: lock-free from the audio thread to a thread that writes
// a float WAV file, so that nothing is lost while the engine is away.
//
//     audio thread          ring of frames + queue of marks            writer's thread
//     process()  ------------------------------------------------->  WAV file per take
//
// No JUCE in it.

#include "Pace.h"

#include <cstdint>
#include <functional>
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
    std::optional<double> tempoBpm;              ///< there, above 0; also without a musical place
    /// none: this host has no transport, and all is captured that comes while armed. Otherwise only
    /// what comes while it plays.
    std::optional<bool> isPlaying;
};

/** Samples that are missing from a take. Its file has silence in their place, so that what comes
    behind them stays in time. */
struct Gap
{
    std::int64_t startSamples = 0; ///< in the take
    std::int64_t samples = 0;
};

/** One stretch that was captured without a break. */
struct Take
{
    std::uint64_t number = 0; ///< counts from 1 in a recorder's life
    std::string path; ///< of a float WAV file with its time reference; whole once `isFinished`
    double sampleRate = 0;
    int channels = 0;
    std::int64_t samples = 0; ///< so far
    /// on the timeline, never negative: what lies before the timeline's start is not captured.
    /// none: the host did not say
    std::optional<std::int64_t> positionSamples;
    std::optional<MusicalTime> musical; ///< of its first sample
    std::optional<double> tempoBpm;     ///< none: not known, or not the same all along
    float level = 0;                    ///< its loudest sample lately; 0 once finished
    std::int64_t droppedSamples = 0;    ///< not 0: the take is damaged where `gaps` says
    std::vector<Gap> gaps;              ///< the first 64 of them
    bool isFinished = false;
    std::string problem; ///< not empty: the file could not be written, in words
};

class Recorder
{
public:
    /** folder: where takes are written, made when the first one begins. changed: is called on the
        writer's thread when a take began, or was finished. No file before the first block is
        captured, and no thread before `prepare`. clock: only tests have another one. */
    explicit Recorder (std::string folder, std::function<void()> changed = {},
                       Clock clock = std::chrono::steady_clock::now);
    /** Writes what is left, and finishes the open take. */
    ~Recorder();

    /** Host's or message thread, audio stopped. An open take ends when rate or channels change. */
    void prepare (double sampleRate, int channels, int largestBlock);

    /** Audio thread: never allocates, locks or waits, except that `mayWait` (an offline render) lets
        it wait for the writer instead of dropping, and so does audio that fills the ring in a third
        of its time: that is an offline render that nobody tells of. Begins a take when `isArmed` turns true, and a
        new one where the timeline jumps. Keeps the bits of every sample. */
    void process (const float* const* input, int channels, int samples, const Transport&,
                  bool isArmed, bool mayWait) noexcept;
    /** The same for a host that computes in doubles; takes are rounded to floats. */
    void process (const double* const* input, int channels, int samples, const Transport&,
                  bool isArmed, bool mayWait) noexcept;

    /** Any thread but the audio thread: takes so far, the open one last. */
    std::vector<Take> takes() const;
    /** Any thread but the audio thread, returns at once: ends the open take when all that was
        captured is written, for when blocks have stopped coming. A block that comes all the same
        begins another take, at its place on the timeline. */
    void finish();

private:
    class Producer;
    class Consumer;
    std::shared_ptr<Consumer> consumer;
    std::unique_ptr<Producer> producer;
};

} // namespace stemlasso::capture
