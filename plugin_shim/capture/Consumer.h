#pragma once

// The writer's side of a recorder: takes frames and marks out of the rings and makes files of them.

#include "Ring.h"
#include "Spool.h"
#include "SpoolThread.h"
#include "TakeFile.h"

#include <deque>
#include <functional>
#include <mutex>

namespace stemlasso::capture
{

class Recorder::Consumer final : public Drained
{
public:
    Consumer (std::string folder, std::function<void()> changed);
    ~Consumer() override;

    /** Starts the thread with the first one. A ring that came before gets nothing more. */
    void add (std::shared_ptr<Ring>);
    /** No more frames come: writes the rest and finishes the open take. */
    void stop();
    void requestFinish();
    std::vector<Take> takes() const;

    Load drain() override;

private:
    std::shared_ptr<Ring> front (bool& isLast);
    std::optional<std::uint64_t> finishOf (const Ring&) const;
    bool finishIfReached (const Ring&, std::optional<std::uint64_t> at, const Mark*);
    bool drain (Ring&, std::uint64_t& moved);
    void apply (const Ring&, const Mark&);
    void open (const Ring&, const Mark&);
    void openAgain (const Ring&);
    void forgetTempo();
    void write (const Ring&, const float*, std::uint64_t frames);
    void writeGap (const Ring&, std::int64_t lost);
    void append (const Ring&, const float*, std::uint64_t frames);
    void advance (const Ring&, std::int64_t frames);
    void updateHeader();
    void closeFile();
    void close();
    template <typename Change>
    void change (Change);

    const std::function<void()> changed;
    const Spool spool;

    mutable std::mutex ringsMutex; ///< for these three; never held while a disk is at work
    std::deque<std::shared_ptr<Ring>> rings;
    std::shared_ptr<SpoolThread> thread;
    std::shared_ptr<Ring>
        finishing;              ///< a take that is open there ends; none: nothing was asked for
    std::uint64_t finishAt = 0; ///< behind that frame of it

    mutable std::mutex listMutex;
    std::vector<Take> list;

    // only where frames are drained
    bool isOpen = false, isTidied = false;
    std::uint64_t count = 0;
    std::string name;
    std::unique_ptr<TakeFile> file;
    Mark next; ///< where frames belong that come though the take was closed
    std::chrono::steady_clock::time_point headerWritten;
};

} // namespace stemlasso::capture
