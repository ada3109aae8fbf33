#include "LoadedPlugin.h"

#include <array>
#include <exception>
#include <thread>

using namespace Steinberg;

namespace stemlasso::hosting
{

static constexpr int blockSamples = 64;

/** REAPER's extension of the host application. */
class IReaperApplication : public FUnknown
{
public:
    virtual void* PLUGIN_API getReaperApi (const char* name) = 0;
    virtual void* PLUGIN_API getReaperParent (uint32 which) = 0;
    virtual void* PLUGIN_API reaperExtended (uint32 call, void*, void*, void*) = 0;
    static constexpr TUID iid = INLINE_UID (0x79655E36, 0x77EE4267, 0xA573FEF7, 0x4912C27C);
};

class LoadedPlugin::Application final : public HostApplication
{
public:
    Application (reaper::FakeReaper& fake, reaper::Project* project)
        : HostApplication (u"REAPER"), extension (*this, fake, project)
    {
    }

    tresult PLUGIN_API queryInterface (const TUID id, void** object) override
    {
        if (! FUnknownPrivate::iidEqual (id, IReaperApplication::iid))
            return HostApplication::queryInterface (id, object);
        *object = static_cast<IReaperApplication*> (&extension);
        extension.addRef();
        return kResultOk;
    }

    int references() const { return extension.count; }

private:
    class Extension final : public IReaperApplication
    {
    public:
        Extension (Application& outerToUse, reaper::FakeReaper& fakeToUse,
                   reaper::Project* projectToUse)
            : outer (outerToUse), fake (fakeToUse), project (projectToUse)
        {
        }
        tresult PLUGIN_API queryInterface (const TUID id, void** object) override
        {
            return outer.queryInterface (id, object);
        }
        uint32 PLUGIN_API addRef() override { return uint32 (++count); }
        uint32 PLUGIN_API release() override { return uint32 (--count); }
        void* PLUGIN_API getReaperApi (const char* name) override { return fake.function (name); }
        void* PLUGIN_API getReaperParent (uint32 which) override
        {
            return which == 3 ? project : nullptr;
        }
        void* PLUGIN_API reaperExtended (uint32, void*, void*, void*) override { return nullptr; }

        int count = 0;

    private:
        Application& outer;
        reaper::FakeReaper& fake;
        reaper::Project* project;
    };

    Extension extension;
};

LoadedPlugin::LoadedPlugin (const std::string& bundle, reaper::FakeReaper& fake,
                            reaper::Project* project)
    : application (std::make_unique<Application> (fake, project)),
      module (std::make_unique<Vst3Module> (bundle)),
      plugin (std::make_unique<Vst3Plugin> (*module, *application))
{
    plugin->prepare (48000, blockSamples);
}

LoadedPlugin::~LoadedPlugin()
{
    plugin.reset();
    module.reset();
    if (application->references() != 0)
        std::terminate(); // the plug-in kept REAPER's host application, or let it go too often
}

void LoadedPlugin::automate (const std::string& name, double value)
{
    plugin->automate (name, value);
    std::thread (
        [this]
        {
            std::array<float, blockSamples> left{}, right{};
            std::array<float*, 2> channels{ left.data(), right.data() };
            plugin->process (channels.data(), channels.data(), blockSamples, 0, false);
        })
        .join();
    plugin->automateNothing();
}

} // namespace stemlasso::hosting
