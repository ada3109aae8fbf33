// What the editor shows while REAPER's items are read.

#include "EditorStage.h"
#include "ReaperScene.h"

#include <pluginterfaces/base/funknown.h>

using namespace stemlasso;
using namespace stemlasso::tests;

namespace
{
/** REAPER with a looped item of ten minutes selected, whose audio takes it long. To be made, used and
    unmade on the message thread, which is its main thread. */
class SlowReaper final : public Steinberg::FUnknown
{
public:
    SlowReaper()
    {
        scene.select (scene.fake.addTrack ("A"), scene.fake.openWave (scene.loop),
                      { { "D_LENGTH", 600.0 } });
        scene.fake.sliceMilliseconds = 5;
    }

    Steinberg::tresult PLUGIN_API queryInterface (const Steinberg::TUID, void** object) override
    {
        *object = this;
        return Steinberg::kResultOk;
    }
    Steinberg::uint32 PLUGIN_API addRef() override { return 1; }
    Steinberg::uint32 PLUGIN_API release() override { return 1; }
    // REAPER's own, in its order
    virtual void* PLUGIN_API getReaperApi (const char* name) { return scene.fake.function (name); }
    virtual void* PLUGIN_API getReaperParent (Steinberg::uint32)
    {
        return scene.fake.projects.front().get();
    }
    virtual void* PLUGIN_API reaperExtended (Steinberg::uint32, void*, void*, void*)
    {
        return nullptr;
    }

    reaper::scene::Reaper scene;
};
} // namespace

TEST_CASE ("items that REAPER renders are counted in the window, where that can be stopped")
{
    std::unique_ptr<SlowReaper> reaper;
    onMessages ([&] { reaper = std::make_unique<SlowReaper>(); });
    const auto filesBefore = reaper->scene.folder.count();
    {
        EditorStage stage (*reaper);
        const auto use = [&]() -> juce::TextButton&
        { return dynamic_cast<juce::TextButton&> (stage.part ("use")); };
        const auto says = [&] (const char* words)
        { return stage.part ("prompt").getTitle().contains (words); };
        REQUIRE (comes ([&] { return stage.isShown ("use"); }));
        onMessages ([&] { use().onClick(); });
        CHECK (comes ([&] { return use().getButtonText() == "Stop reading"; }));
        CHECK (comes (
            [&]
            {
                reaper->scene.fake.tick();
                return says ("REAPER renders loop: 1 %");
            }));
        CHECK (stage.plugin().reaper().isReading());
        onMessages ([&] { use().onClick(); });
        CHECK (comes (
            [&]
            {
                return use().getButtonText() == "Use selected items"
                       && says ("Cancelled: 0 of 1 items were read.");
            }));
        onMessages ([&] { CHECK (stage.plugin().work().clips().size() == 1); });
        CHECK (reaper->scene.folder.count() <= filesBefore + 2); // the media folder and ours in it
    }
    onMessages (
        [&]
        {
            reaper->scene.isClean();
            CHECK (reaper->scene.fake.timers.empty());
            reaper.reset();
        });
}
