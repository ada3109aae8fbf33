#include "EngineLink.h"

#include <mutex>

namespace stemlasso::wire
{

namespace
{
class NoErrand final : public Errand
{
public:
    void offer() override {}
    void separate (Prompt, JobOptions) override {}
    void cancel() override {}
    std::shared_ptr<const ErrandView> view() const override
    {
        return std::make_shared<ErrandView>();
    }
    std::string clipId() const override { return {}; }
    std::string jobId() const override { return {}; }
};

class NoLink final : public EngineLink
{
public:
    std::shared_ptr<Errand> makeErrand (ClipSource) override
    {
        return std::make_shared<NoErrand>();
    }
    std::shared_ptr<Errand> restoreErrand (ClipSource, std::string, std::string) override
    {
        return std::make_shared<NoErrand>();
    }
    void watch() override {}
    void startEngine() override {}
    bool openPanel (const std::string&, std::string&) override { return false; }
    LinkView view() const override { return {}; }
};
} // namespace

std::shared_ptr<EngineLink> EngineLink::shared()
{
    static std::mutex mutex;
    static std::weak_ptr<EngineLink> kept;
    const std::lock_guard lock (mutex);
    auto link = kept.lock();
    if (link == nullptr)
        kept = link = std::make_shared<NoLink>();
    return link;
}

} // namespace stemlasso::wire
