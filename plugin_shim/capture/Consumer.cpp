#include "Consumer.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace stemlasso::capture
{

namespace
{
constexpr std::size_t mostGaps = 64;
constexpr std::uint64_t pieceFrames = 16384; ///< so that `takes` shows how a long drain gets on
constexpr auto headerPeriod = std::chrono::milliseconds (500);

float loudest (const float* samples, std::uint64_t count)
{
    float most = 0;
    for (std::uint64_t i = 0; i < count; ++i)
        if (const auto level = std::abs (samples[i]); level > most && std::isfinite (level))
            most = level;
    return most;
}
} // namespace

Recorder::Consumer::Consumer (std::string folder, std::function<void()> tell)
    : changed (std::move (tell)), spool (std::move (folder))
{
}

Recorder::Consumer::~Consumer() = default;

void Recorder::Consumer::add (std::shared_ptr<Ring> ring)
{
    {
        const std::lock_guard lock (ringsMutex);
        rings.push_back (std::move (ring));
    }
    if (thread == nullptr)
    {
        thread = SpoolThread::shared();
        thread->add (*this);
    }
}

void Recorder::Consumer::stop()
{
    if (thread != nullptr)
        thread->remove (*this);
    while (drain() == Load::much)
    {
    }
    if (isOpen)
        close();
    thread.reset();
}

void Recorder::Consumer::requestFinish()
{
    {
        // what comes after this is another take, however late the writer hears of it
        const std::lock_guard lock (ringsMutex);
        if (rings.empty())
            return;
        finishing = rings.back();
        finishAt = finishing->end();
    }
    if (thread != nullptr)
        thread->wake();
}

std::vector<Take> Recorder::Consumer::takes() const
{
    const std::lock_guard lock (listMutex);
    return list;
}

template <typename Change>
void Recorder::Consumer::change (Change apply)
{
    const std::lock_guard lock (listMutex);
    apply (list.back());
}

std::shared_ptr<Ring> Recorder::Consumer::front (bool& isLast)
{
    const std::lock_guard lock (ringsMutex);
    isLast = rings.size() < 2;
    return rings.empty() ? nullptr : rings.front();
}

Drained::Load Recorder::Consumer::drain()
{
    std::uint64_t moved = 0;
    bool isLast = true, isMuch = false;
    while (const auto ring = front (isLast))
    {
        isMuch = drain (*ring, moved) || isMuch;
        if (isLast)
            break;
        const std::lock_guard lock (ringsMutex);
        rings.pop_front();
    }
    if (isMuch)
        return Load::much;
    return isOpen || moved > 0 ? Load::some : Load::idle;
}

/** True when it moved so much that there is more already. */
bool Recorder::Consumer::drain (Ring& ring, std::uint64_t& moved)
{
    const auto began = ring.start();
    for (;;)
    {
        const auto finish = finishOf (ring); // first: the marks of before it are seen then
        const auto end = ring.end();
        const auto* mark = ring.nextMark();
        const auto limit = std::min ({ end, mark == nullptr ? end : mark->at,
                                       std::max (finish.value_or (end), ring.start()) });
        while (ring.start() < limit)
        {
            std::uint64_t frames = 0;
            const auto* samples = ring.read (std::min (limit - ring.start(), pieceFrames), frames);
            write (ring, samples, frames);
            ring.drop (frames);
        }
        if (finishIfReached (ring, finish, mark))
            continue;
        if (mark == nullptr || ring.start() != mark->at)
            break;
        apply (ring, *mark);
        ring.dropMark();
    }
    const auto frames = ring.start() - began;
    moved += frames;
    if (frames > 0 && file != nullptr)
        updateHeader();
    return frames > ring.capacity / 8;
}

std::optional<std::uint64_t> Recorder::Consumer::finishOf (const Ring& ring) const
{
    const std::lock_guard lock (ringsMutex);
    return finishing.get() == &ring ? std::optional (finishAt) : std::nullopt;
}

/** at: where it was asked for. mark: the next one. What belongs to the take that ends is done before,
    what begins one after. */
bool Recorder::Consumer::finishIfReached (const Ring& ring, std::optional<std::uint64_t> at,
                                          const Mark* mark)
{
    if (! at || ring.start() < *at
        || (mark != nullptr && mark->at == ring.start() && mark->kind != Mark::Kind::begin))
        return false;
    {
        const std::lock_guard lock (ringsMutex);
        if (finishing.get() == &ring && finishAt == *at)
            finishing.reset();
    }
    if (isOpen)
        close();
    return true;
}

void Recorder::Consumer::apply (const Ring& ring, const Mark& mark)
{
    if (mark.kind == Mark::Kind::begin)
        open (ring, mark);
    else if (mark.kind == Mark::Kind::tempo)
        forgetTempo();
    else if (mark.lost > 0)
        writeGap (ring, mark.lost);
    if (mark.kind == Mark::Kind::end && isOpen)
        close();
}

void Recorder::Consumer::open (const Ring& ring, const Mark& mark)
{
    if (isOpen)
        close();
    isOpen = true;
    next = mark;
    Take take;
    take.number = ++count;
    take.sampleRate = ring.sampleRate;
    take.channels = ring.channels;
    take.positionSamples = mark.positionSamples;
    take.musical = mark.musical;
    take.tempoBpm = mark.tempoBpm;
    take.droppedSamples = mark.lost;
    take.problem = spool.open();
    if (take.problem.empty())
    {
        if (! std::exchange (isTidied, true))
            spool.tidy ({});
        name = Spool::newName (take.number);
        const auto words = "take " + std::to_string (take.number);
        const TakeFormat format{ ring.sampleRate, ring.channels, mark.positionSamples, words };
        file = TakeFile::create (spool.unfinished (name), format, take.problem);
    }
    if (file != nullptr)
    {
        spool.loosen (name);
        take.path = spool.unfinished (name);
        headerWritten = std::chrono::steady_clock::now();
    }
    {
        const std::lock_guard lock (listMutex);
        list.push_back (std::move (take));
    }
    if (changed)
        changed();
}

void Recorder::Consumer::forgetTempo()
{
    next.tempoBpm.reset();
    if (isOpen)
        change ([] (Take& take) { take.tempoBpm.reset(); });
}

/** Frames came after `finish`, without a break on the timeline: they are a take of their own. */
void Recorder::Consumer::openAgain (const Ring& ring)
{
    auto mark = next;
    mark.lost = 0;
    open (ring, mark);
}

void Recorder::Consumer::write (const Ring& ring, const float* samples, std::uint64_t frames)
{
    if (! isOpen)
        openAgain (ring);
    append (ring, samples, frames);
    const auto level = loudest (samples, frames * std::uint64_t (ring.channels));
    change ([level] (Take& take) { take.level = std::max (level, take.level * 0.8f); });
}

void Recorder::Consumer::writeGap (const Ring& ring, std::int64_t lost)
{
    if (! isOpen) // it was finished before it was known that more is missing
    {
        advance (ring, lost);
        return;
    }
    change (
        [lost] (Take& take)
        {
            take.droppedSamples += lost;
            if (take.gaps.size() < mostGaps)
                take.gaps.push_back ({ take.samples, lost });
        });
    const std::vector<float> silence (pieceFrames * std::uint64_t (ring.channels));
    for (auto left = std::uint64_t (lost); left > 0;)
    {
        const auto frames = std::min (left, pieceFrames);
        append (ring, silence.data(), frames);
        left -= frames;
    }
}

/** Once a file cannot be written, what comes is passed over: audio never waits for a full disk. */
void Recorder::Consumer::append (const Ring& ring, const float* samples, std::uint64_t frames)
{
    advance (ring, std::int64_t (frames));
    if (file == nullptr)
        return;
    std::string problem;
    const bool isWritten = file->append (samples, frames, problem);
    const auto written = std::int64_t (file->frames());
    change (
        [&] (Take& take)
        {
            take.samples = written;
            take.problem = problem;
        });
    if (isWritten)
        return;
    closeFile();
}

void Recorder::Consumer::advance (const Ring& ring, std::int64_t frames)
{
    if (next.positionSamples)
        *next.positionSamples += frames;
    if (next.musical)
        next.musical->quarters +=
            double (frames) / ring.sampleRate * next.musical->beatsPerMinute / 60;
}

void Recorder::Consumer::updateHeader()
{
    const auto now = std::chrono::steady_clock::now();
    if (now - headerWritten < headerPeriod)
        return;
    headerWritten = now;
    file->update();
}

void Recorder::Consumer::closeFile()
{
    file->update();
    file.reset();
    const auto path = spool.finish (name);
    change (
        [&] (Take& take)
        {
            if (path.empty())
                take.problem = take.path
                               + ": the take is lost: its file was deleted while it was captured. "
                                 "Capture it again.";
            take.path = path;
        });
}

void Recorder::Consumer::close()
{
    isOpen = false;
    const bool isEmpty = file != nullptr && file->frames() == 0;
    if (isEmpty)
    {
        file.reset();
        spool.discard (name);
    }
    if (file != nullptr)
        closeFile();
    {
        const std::lock_guard lock (listMutex);
        auto& take = list.back();
        take.isFinished = true;
        take.level = 0;
        if (isEmpty)
            list.pop_back();
    }
    if (changed)
        changed();
}

} // namespace stemlasso::capture
