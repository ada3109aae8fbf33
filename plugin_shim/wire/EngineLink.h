#pragma once

// The way to the engine's server. One link per process serves all instances of the plug-in; it has
// one thread of its own, which no one ever waits for.

#include "Values.h"

#include <memory>

namespace stemlasso::wire
{

enum class LinkState
{
    idle,      ///< nobody has asked for anything yet: no thread runs
    absent,    ///< no server runs
    starting,  ///< a server was started and is not ready yet
    connected, ///< it answers
    silent,    ///< it is there and does not answer
    refused    ///< it answered, and this plug-in cannot speak with it
};

struct LinkView
{
    LinkState state = LinkState::idle;
    std::string words; ///< one line for people: what is the matter and what to do
    std::string serverVersion;
};

/** How one clip and its newest job stand. Never changes once given. */
struct ErrandView
{
    std::optional<Clip> clip; ///< none until the server has it
    std::optional<Job> job;
    bool isWaiting = false;         ///< something is asked for and was not answered yet
    std::optional<Problem> problem; ///< the last request that was refused
    std::uint64_t revision = 0;     ///< grows with every change
};

/** One clip on its way to the engine, and the jobs that are made of it.

    Every method returns at once; what it asks for happens on the link's thread, is kept while the
    engine is away and is asked for again when it is back, once. Any thread but the audio thread. */
class Errand
{
public:
    virtual ~Errand() = default;

    /** Puts the clip on the shelf, so that other clients such as the panel see it. */
    virtual void offer() = 0;
    /** Offers the clip where that was not done, and submits a job. */
    virtual void separate (Prompt, JobOptions) = 0;
    /** Cancels the newest job, also one that is not submitted yet. */
    virtual void cancel() = 0;
    virtual std::shared_ptr<const ErrandView> view() const = 0;
    /** The ids to restore this errand from, in a session that is opened again. */
    virtual std::string clipId() const = 0;
    virtual std::string jobId() const = 0;
};

class EngineLink
{
public:
    /** The link of this process, made when the first instance asks and gone with the last one. No
        thread runs until something is asked for. */
    static std::shared_ptr<EngineLink> shared();
    virtual ~EngineLink() = default;

    virtual std::shared_ptr<Errand> makeErrand (ClipSource) = 0;
    /** For a session that is opened again: asks the server what became of clip and job. A server
        that does not know the clip any more is given it anew when something is asked for. */
    virtual std::shared_ptr<Errand> restoreErrand (ClipSource, std::string clipId,
                                                   std::string jobId) = 0;

    /** Looks for a server and keeps looking: for an editor that shows how the engine stands. */
    virtual void watch() = 0;
    /** Starts a server when none runs. */
    virtual void startEngine() = 0;
    /** Starts the panel with this clip, or with none; false and words when it cannot be started. */
    virtual bool openPanel (const std::string& clipId, std::string& words) = 0;
    /** Why the panel that was opened last did not come up, as far as it is known by now. */
    virtual std::string panelTrouble() const = 0;
    virtual LinkView view() const = 0;
};

} // namespace stemlasso::wire
