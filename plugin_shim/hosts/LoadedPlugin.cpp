#include "LoadedPlugin.h"

#include <pluginterfaces/base/ibstream.h>
#include <pluginterfaces/vst/ivsthostapplication.h>
#include <pluginterfaces/vst/ivstmessage.h>
#include <pluginterfaces/vst/ivstparameterchanges.h>

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace Steinberg;

namespace stemlasso::hosting
{

namespace own // COM interfaces in an anonymous namespace break with GCC
{
constexpr int blockSamples = 64;

/** What all our host's objects have in common: they live as long as their owner says. */
template <typename Interface>
class Owned : public Interface
{
public:
    tresult PLUGIN_API queryInterface (const TUID id, void** object) override
    {
        const bool isOurs = FUnknownPrivate::iidEqual (id, Interface::iid)
                            || FUnknownPrivate::iidEqual (id, FUnknown::iid);
        *object = isOurs ? this : nullptr;
        return isOurs ? kResultOk : kNoInterface;
    }
    uint32 PLUGIN_API addRef() override { return 1; }
    uint32 PLUGIN_API release() override { return 1; }
};

class Stream final : public Owned<IBStream>
{
public:
    explicit Stream (std::string bytesToUse = {}) : bytes (std::move (bytesToUse)) {}

    tresult PLUGIN_API read (void* buffer, int32 count, int32* done) override
    {
        const auto n = std::min (std::size_t (std::max (count, 0)), bytes.size() - at);
        std::memcpy (buffer, bytes.data() + at, n);
        at += n;
        if (done != nullptr)
            *done = int32 (n);
        return kResultOk;
    }
    tresult PLUGIN_API write (void* buffer, int32 count, int32* done) override
    {
        bytes.resize (std::max (bytes.size(), at + std::size_t (count)));
        std::memcpy (bytes.data() + at, buffer, std::size_t (count));
        at += std::size_t (count);
        if (done != nullptr)
            *done = count;
        return kResultOk;
    }
    tresult PLUGIN_API seek (int64 offset, int32 mode, int64* result) override
    {
        const auto base = mode == kIBSeekSet   ? 0
                          : mode == kIBSeekCur ? int64 (at)
                                               : int64 (bytes.size());
        at = std::size_t (std::clamp<int64> (base + offset, 0, int64 (bytes.size())));
        if (result != nullptr)
            *result = int64 (at);
        return kResultOk;
    }
    tresult PLUGIN_API tell (int64* position) override
    {
        *position = int64 (at);
        return kResultOk;
    }

    std::string bytes;

private:
    std::size_t at = 0;
};

class Changes final : public Owned<Vst::IParameterChanges>
{
public:
    Changes (Vst::ParamID id, double value) : queue (id, value) {}
    int32 PLUGIN_API getParameterCount() override { return 1; }
    Vst::IParamValueQueue* PLUGIN_API getParameterData (int32) override { return &queue; }
    Vst::IParamValueQueue* PLUGIN_API addParameterData (const Vst::ParamID&, int32&) override
    {
        return nullptr;
    }

private:
    class Queue final : public Owned<Vst::IParamValueQueue>
    {
    public:
        Queue (Vst::ParamID idToUse, double valueToUse) : id (idToUse), value (valueToUse) {}
        Vst::ParamID PLUGIN_API getParameterId() override { return id; }
        int32 PLUGIN_API getPointCount() override { return 1; }
        tresult PLUGIN_API getPoint (int32, int32& offset, Vst::ParamValue& point) override
        {
            offset = 0;
            point = value;
            return kResultOk;
        }
        tresult PLUGIN_API addPoint (int32, Vst::ParamValue, int32&) override
        {
            return kResultFalse;
        }

    private:
        Vst::ParamID id;
        double value;
    };
    Queue queue;
};
} // namespace own

using namespace own;

/** REAPER's extension of the host application. */
class IReaperApplication : public FUnknown
{
public:
    virtual void* PLUGIN_API getReaperApi (const char* name) = 0;
    virtual void* PLUGIN_API getReaperParent (uint32 which) = 0;
    virtual void* PLUGIN_API reaperExtended (uint32 call, void*, void*, void*) = 0;
    static constexpr TUID iid = INLINE_UID (0x79655E36, 0x77EE4267, 0xA573FEF7, 0x4912C27C);
};

class LoadedPlugin::Application final : public Owned<Vst::IHostApplication>
{
public:
    Application (reaper::FakeReaper& fake, reaper::Project* project)
        : extension (*this, fake, project)
    {
    }

    tresult PLUGIN_API queryInterface (const TUID id, void** object) override
    {
        if (! FUnknownPrivate::iidEqual (id, IReaperApplication::iid))
            return Owned::queryInterface (id, object);
        *object = static_cast<IReaperApplication*> (&extension);
        extension.addRef();
        return kResultOk;
    }
    tresult PLUGIN_API getName (Vst::String128 name) override
    {
        const std::u16string text = u"REAPER";
        std::copy_n (text.c_str(), text.size() + 1, name);
        return kResultOk;
    }
    tresult PLUGIN_API createInstance (TUID, TUID, void** object) override
    {
        *object = nullptr;
        return kNotImplemented;
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
    : application (std::make_unique<Application> (fake, project))
{
    const auto file = bundle + "/Contents/x86_64-linux/StemLasso.so";
    library = dlopen (file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        throw std::runtime_error (dlerror());
    const auto enter = reinterpret_cast<bool (*) (void*)> (dlsym (library, "ModuleEntry"));
    const auto make = reinterpret_cast<IPluginFactory* (*)()> (dlsym (library, "GetPluginFactory"));
    if (enter == nullptr || make == nullptr || ! enter (library))
        throw std::runtime_error (file + ": no VST3 plug-in");
    factory = owned (make());
    for (int32 index = 0; index < factory->countClasses() && component == nullptr; ++index)
    {
        PClassInfo info;
        Vst::IComponent* made = nullptr;
        if (factory->getClassInfo (index, &info) == kResultOk
            && std::strcmp (info.category, kVstAudioEffectClass) == 0
            && factory->createInstance (info.cid, Vst::IComponent::iid,
                                        reinterpret_cast<void**> (&made))
                   == kResultOk)
            component = owned (made);
    }
    TUID id;
    Vst::IEditController* made = nullptr;
    if (component == nullptr || component->initialize (application.get()) != kResultOk
        || component->getControllerClassId (id) != kResultOk
        || factory->createInstance (id, Vst::IEditController::iid, reinterpret_cast<void**> (&made))
               != kResultOk
        || made->initialize (application.get()) != kResultOk)
        throw std::runtime_error (file + ": it cannot be made");
    controller = owned (made);
    FUnknownPtr<Vst::IConnectionPoint> one (component), other (controller);
    one->connect (other);
    other->connect (one);
    processor = FUnknownPtr<Vst::IAudioProcessor> (component);
    Vst::ProcessSetup setup{ Vst::kRealtime, Vst::kSample32, blockSamples, 48000 };
    processor->setupProcessing (setup);
    component->setActive (true);
    processor->setProcessing (true);
}

LoadedPlugin::~LoadedPlugin()
{
    processor->setProcessing (false);
    component->setActive (false);
    FUnknownPtr<Vst::IConnectionPoint> one (component), other (controller);
    one->disconnect (other);
    other->disconnect (one);
    controller->terminate();
    component->terminate();
    one = nullptr;
    other = nullptr;
    processor = FUnknownPtr<Vst::IAudioProcessor> (nullptr);
    controller = nullptr;
    component = nullptr;
    factory = nullptr;
    reinterpret_cast<bool (*)()> (dlsym (library, "ModuleExit"))();
    dlclose (library);
    if (application->references() != 0)
        std::terminate(); // the plug-in kept REAPER's host application, or let it go too often
}

Vst::ParamID LoadedPlugin::idOf (const std::string& name)
{
    for (int32 index = 0; index < controller->getParameterCount(); ++index)
    {
        Vst::ParameterInfo info;
        controller->getParameterInfo (index, info);
        if (std::equal (name.begin(), name.end(), info.title) && info.title[name.size()] == 0)
            return info.id;
    }
    throw std::runtime_error ("the plug-in has no parameter " + name);
}

void LoadedPlugin::setParameter (const std::string& name, double value)
{
    controller->setParamNormalized (idOf (name), value);
}

void LoadedPlugin::automate (const std::string& name, double value)
{
    std::thread (
        [&, id = idOf (name)]
        {
            Changes changes (id, value);
            std::array<float, blockSamples> left{}, right{};
            std::array<float*, 2> channels{ left.data(), right.data() };
            Vst::AudioBusBuffers in{}, out{};
            in.numChannels = out.numChannels = 2;
            in.channelBuffers32 = out.channelBuffers32 = channels.data();
            Vst::ProcessData data;
            data.numSamples = blockSamples;
            data.symbolicSampleSize = Vst::kSample32;
            data.numInputs = data.numOutputs = 1;
            data.inputs = &in;
            data.outputs = &out;
            data.inputParameterChanges = &changes;
            processor->process (data);
        })
        .join();
}

double LoadedPlugin::parameter (const std::string& name)
{
    return controller->getParamNormalized (idOf (name));
}

std::string LoadedPlugin::state()
{
    Stream stream;
    component->getState (&stream);
    return stream.bytes;
}

void LoadedPlugin::restore (const std::string& state)
{
    Stream stream (state), again (state);
    component->setState (&stream);
    controller->setComponentState (&again);
}

} // namespace stemlasso::hosting
