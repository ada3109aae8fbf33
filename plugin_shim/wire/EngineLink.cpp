#include "EngineLink.h"

#include "LinkThread.h"
#include "MakeLink.h"

#include <mutex>

namespace stemlasso::wire
{

namespace
{
/** Keeps the link alive: an errand is a use of it. */
class LinkErrand final : public Errand
{
public:
    LinkErrand (std::shared_ptr<EngineLink> of, LinkThread& by, std::shared_ptr<ErrandState> with)
        : link (std::move (of)), thread (by), state (std::move (with))
    {
    }

    void offer() override { post ({ Ask::What::offer, {}, {} }); }
    void separate (Prompt prompt, JobOptions options) override
    {
        post ({ Ask::What::separate, std::move (prompt), std::move (options) });
    }
    void cancel() override { post ({ Ask::What::cancel, {}, {} }); }
    std::shared_ptr<const ErrandView> view() const override { return state->view(); }
    std::string clipId() const override { return state->clipId(); }
    std::string jobId() const override { return state->jobId(); }

private:
    void post (Ask ask)
    {
        state->post (std::move (ask));
        thread.wake();
    }

    const std::shared_ptr<EngineLink> link;
    LinkThread& thread;
    std::shared_ptr<ErrandState> state;
};

class Link final : public EngineLink, public std::enable_shared_from_this<Link>
{
public:
    Link (Folders where, Timing timing) : folders (where), thread (std::move (where), timing) {}

    std::shared_ptr<Errand> makeErrand (ClipSource source) override
    {
        return make (std::move (source), {}, {});
    }

    std::shared_ptr<Errand> restoreErrand (ClipSource source, std::string clipId,
                                           std::string jobId) override
    {
        const bool isAsked = ! clipId.empty() || ! jobId.empty();
        auto errand = make (std::move (source), std::move (clipId), std::move (jobId));
        if (isAsked)
            thread.wake();
        return errand;
    }

    void watch() override { thread.watch(); }
    void startEngine() override { thread.startEngine(); }
    LinkView view() const override { return thread.view(); }

    bool openPanel (const std::string& clipId, std::string& words) override
    {
        words = startPanel (folders, clipId);
        return words.empty();
    }

    std::string panelTrouble() const override { return wire::panelTrouble (folders); }

private:
    std::shared_ptr<Errand> make (ClipSource source, std::string clipId, std::string jobId)
    {
        auto state = std::make_shared<ErrandState> (std::move (source), std::move (clipId),
                                                    std::move (jobId));
        thread.add (state);
        return std::make_shared<LinkErrand> (shared_from_this(), thread, std::move (state));
    }

    const Folders folders;
    LinkThread thread;
};
} // namespace

std::shared_ptr<EngineLink> makeLink (Folders folders, Timing timing)
{
    return std::make_shared<Link> (std::move (folders), timing);
}

std::shared_ptr<EngineLink> EngineLink::shared()
{
    static std::mutex mutex;
    static std::weak_ptr<EngineLink> kept;
    const std::lock_guard lock (mutex);
    auto link = kept.lock();
    if (link == nullptr)
        kept = link = makeLink (Folders::find(), {});
    return link;
}

} // namespace stemlasso::wire
