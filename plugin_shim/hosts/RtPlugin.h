#pragma once

// A VST3 plug-in as a plain host loads it, for hosts/rt_host.cpp: everything that a host may do is a
// call here.

#include <pluginterfaces/base/ibstream.h>
#include <pluginterfaces/base/ipluginbase.h>
#include <pluginterfaces/vst/ivstaudioprocessor.h>
#include <pluginterfaces/vst/ivstcomponent.h>
#include <pluginterfaces/vst/ivsteditcontroller.h>
#include <pluginterfaces/vst/ivsthostapplication.h>
#include <pluginterfaces/vst/ivstmessage.h>
#include <pluginterfaces/vst/ivstparameterchanges.h>
#include <pluginterfaces/vst/ivstprocesscontext.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace stemlasso::hosting
{

namespace rt // COM interfaces in an anonymous namespace break with GCC
{
using namespace Steinberg;

/** What all objects of this host have in common: they live as long as their owner says. */
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

class Application final : public Owned<Vst::IHostApplication>
{
public:
    tresult PLUGIN_API getName (Vst::String128 name) override
    {
        name[0] = 'r';
        name[1] = 't';
        name[2] = 0;
        return kResultOk;
    }
    tresult PLUGIN_API createInstance (TUID, TUID, void** object) override
    {
        *object = nullptr;
        return kNotImplemented;
    }
};

class Stream final : public Owned<IBStream>
{
public:
    explicit Stream (std::string content = {}) : bytes (std::move (content)) {}
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

/** One value of one parameter, at a block's first sample. */
class Change final : public Owned<Vst::IParamValueQueue>
{
public:
    Vst::ParamID PLUGIN_API getParameterId() override { return id; }
    int32 PLUGIN_API getPointCount() override { return 1; }
    tresult PLUGIN_API getPoint (int32, int32& offset, Vst::ParamValue& point) override
    {
        offset = 0;
        point = value;
        return kResultOk;
    }
    tresult PLUGIN_API addPoint (int32, Vst::ParamValue, int32&) override { return kResultFalse; }

    Vst::ParamID id = 0;
    double value = 0;
};

class Changes final : public Owned<Vst::IParameterChanges>
{
public:
    int32 PLUGIN_API getParameterCount() override { return count; }
    Vst::IParamValueQueue* PLUGIN_API getParameterData (int32) override { return &change; }
    Vst::IParamValueQueue* PLUGIN_API addParameterData (const Vst::ParamID&, int32&) override
    {
        return nullptr;
    }

    Change change;
    int32 count = 0;
};
} // namespace rt

/** The module, loaded and unloaded as a host does. */
class RtModule
{
public:
    explicit RtModule (const std::string& bundle);
    ~RtModule();
    Steinberg::IPluginFactory* factory() const { return plugins; }

private:
    void* library = nullptr;
    Steinberg::IPluginFactory* plugins = nullptr;
};

class RtPlugin
{
public:
    explicit RtPlugin (RtModule&);
    ~RtPlugin();

    void prepare (double sampleRate, int largestBlock, bool isOffline = false);
    /** Stereo; allocates nothing. isPlaying: at `position`. */
    void process (const float* const* input, float* const* output, int samples,
                  std::int64_t position, bool isPlaying = true);
    /** With the next block, as automation. */
    void automate (const std::string& name, double value);
    void automateNothing() { changes.count = 0; }
    void setOnController (Steinberg::Vst::ParamID id, double value)
    {
        controller->setParamNormalized (id, value);
    }
    std::vector<Steinberg::Vst::ParamID> parameters();

    std::string state();
    void restore (const std::string& state);

private:
    void stop();

    rt::Application host;
    Steinberg::Vst::IComponent* component = nullptr;
    Steinberg::Vst::IEditController* controller = nullptr;
    Steinberg::Vst::IAudioProcessor* processor = nullptr;
    Steinberg::Vst::IConnectionPoint* ends[2] = { nullptr, nullptr };
    bool isActive = false;
    rt::Changes changes;
    Steinberg::Vst::ProcessContext context{};
};

} // namespace stemlasso::hosting
