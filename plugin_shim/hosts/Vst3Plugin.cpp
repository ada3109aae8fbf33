#include "Vst3Plugin.h"

#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>

using namespace Steinberg;

namespace stemlasso::hosting
{

namespace
{
template <typename Function>
Function symbol (void* library, const char* name)
{
    return reinterpret_cast<Function> (::dlsym (library, name));
}

template <typename Interface>
IPtr<Interface> make (IPluginFactory& factory, const TUID id)
{
    Interface* made = nullptr;
    factory.createInstance (id, Interface::iid, reinterpret_cast<void**> (&made));
    return owned (made);
}

IPtr<Vst::IComponent> makeEffect (IPluginFactory& factory)
{
    for (int32 i = 0; i < factory.countClasses(); ++i)
    {
        PClassInfo info;
        if (factory.getClassInfo (i, &info) == kResultOk
            && std::strcmp (info.category, kVstAudioEffectClass) == 0)
            return make<Vst::IComponent> (factory, info.cid);
    }
    return {};
}
} // namespace

Vst3Module::Vst3Module (const std::string& bundle)
{
    const auto name = std::filesystem::path (bundle).stem().string() + ".so";
    library = ::dlopen ((bundle + "/Contents/x86_64-linux/" + name).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        throw std::runtime_error (::dlerror());
    const auto enter = symbol<bool (*) (void*)> (library, "ModuleEntry");
    const auto factory = symbol<IPluginFactory* (*)()> (library, "GetPluginFactory");
    if (enter == nullptr || factory == nullptr || ! enter (library))
        throw std::runtime_error (bundle + ": no VST3 plug-in");
    plugins = owned (factory());
}

Vst3Module::~Vst3Module()
{
    plugins = nullptr;
    symbol<bool (*)()> (library, "ModuleExit")();
    ::dlclose (library);
}

Vst3Plugin::Vst3Plugin (Vst3Module& module, HostApplication& host)
    : component (makeEffect (module.factory()))
{
    TUID id;
    if (component == nullptr || component->initialize (&host) != kResultOk
        || component->getControllerClassId (id) != kResultOk)
        throw std::runtime_error ("there is no plug-in in the module");
    controller = make<Vst::IEditController> (module.factory(), id);
    if (controller == nullptr || controller->initialize (&host) != kResultOk)
        throw std::runtime_error ("the plug-in has no controller");
    controller->setComponentHandler (&handler);
    processor = FUnknownPtr<Vst::IAudioProcessor> (component);
    connect (true);
}

Vst3Plugin::~Vst3Plugin() { terminate(); }

void Vst3Plugin::terminate()
{
    if (std::exchange (isTerminated, true))
        return;
    stop();
    connect (false);
    controller->setComponentHandler (nullptr);
    controller->terminate();
    component->terminate();
}

void Vst3Plugin::connect (bool isOn)
{
    FUnknownPtr<Vst::IConnectionPoint> one (component), other (controller);
    if (isOn)
    {
        one->connect (other);
        other->connect (one);
    }
    else
    {
        one->disconnect (other);
        other->disconnect (one);
    }
}

void Vst3Plugin::stop()
{
    if (! std::exchange (isActive, false))
        return;
    processor->setProcessing (false);
    component->setActive (false);
}

void Vst3Plugin::prepare (double sampleRate, int largestBlock, bool isOffline)
{
    stop();
    Vst::ProcessSetup setup{ isOffline ? Vst::kOffline : Vst::kRealtime, Vst::kSample32,
                             largestBlock, sampleRate };
    processor->setupProcessing (setup);
    component->activateBus (Vst::kAudio, Vst::kInput, 0, true);
    component->activateBus (Vst::kAudio, Vst::kOutput, 0, true);
    component->setActive (true);
    processor->setProcessing (true);
    isActive = true;
    context.sampleRate = sampleRate;
}

void Vst3Plugin::process (const float* const* input, float* const* output, int samples,
                          const std::optional<Moment>& moment)
{
    using Context = Vst::ProcessContext;
    const auto known = moment.value_or (Moment());
    context.state = 0;
    if (known.tempoBpm)
        context.state |= Context::kTempoValid;
    if (known.quarters)
        context.state |= Context::kProjectTimeMusicValid;
    if (known.isPlaying)
        context.state |= Context::kPlaying;
    context.projectTimeSamples = known.position;
    context.projectTimeMusic = known.quarters.value_or (0);
    context.tempo = known.tempoBpm.value_or (0);
    Vst::AudioBusBuffers in{}, out{};
    in.numChannels = out.numChannels = 2;
    in.channelBuffers32 = const_cast<float**> (input);
    out.channelBuffers32 = const_cast<float**> (output);
    Vst::ProcessData data{};
    data.symbolicSampleSize = Vst::kSample32;
    data.numSamples = samples;
    data.numInputs = data.numOutputs = 1;
    data.inputs = &in;
    data.outputs = &out;
    data.processContext = moment ? &context : nullptr;
    data.inputParameterChanges = &changes;
    processor->process (data);
}

void Vst3Plugin::automate (const std::string& name, double value, int offset)
{
    changes.change.offset = offset;
    changes.change.id = idOf (name);
    changes.change.value = value;
    changes.count = 1;
}

Vst::ParamID Vst3Plugin::idOf (const std::string& name)
{
    for (int32 i = 0; i < controller->getParameterCount(); ++i)
    {
        Vst::ParameterInfo info;
        controller->getParameterInfo (i, info);
        if (std::equal (name.begin(), name.end(), info.title) && info.title[name.size()] == 0)
            return info.id;
    }
    throw std::runtime_error ("the plug-in has no parameter " + name);
}

std::vector<Vst::ParamID> Vst3Plugin::parameters()
{
    std::vector<Vst::ParamID> ids;
    for (int32 i = 0; i < controller->getParameterCount(); ++i)
    {
        Vst::ParameterInfo info;
        controller->getParameterInfo (i, info);
        ids.push_back (info.id);
    }
    return ids;
}

std::string Vst3Plugin::state()
{
    Stream stream;
    component->getState (&stream);
    return stream.bytes;
}

void Vst3Plugin::restore (const std::string& state)
{
    Stream stream (state), again (state);
    component->setState (&stream);
    controller->setComponentState (&again);
}

} // namespace stemlasso::hosting
