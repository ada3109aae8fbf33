#include "RtPlugin.h"

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
} // namespace

RtModule::RtModule (const std::string& bundle)
{
    const auto name = std::filesystem::path (bundle).stem().string() + ".so";
    library = ::dlopen ((bundle + "/Contents/x86_64-linux/" + name).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        throw std::runtime_error (::dlerror());
    symbol<bool (*) (void*)> (library, "ModuleEntry") (library);
    plugins = symbol<IPluginFactory* (*)()> (library, "GetPluginFactory")();
}

RtModule::~RtModule()
{
    plugins->release();
    symbol<bool (*)()> (library, "ModuleExit")();
    ::dlclose (library);
}

RtPlugin::RtPlugin (RtModule& module)
{
    auto* factory = module.factory();
    for (int32 i = 0; i < factory->countClasses() && component == nullptr; ++i)
    {
        PClassInfo info;
        factory->getClassInfo (i, &info);
        if (std::strcmp (info.category, kVstAudioEffectClass) == 0)
            factory->createInstance (info.cid, Vst::IComponent::iid,
                                     reinterpret_cast<void**> (&component));
    }
    if (component == nullptr || component->initialize (&host) != kResultOk)
        throw std::runtime_error ("there is no plug-in in the module");
    TUID id;
    component->getControllerClassId (id);
    factory->createInstance (id, Vst::IEditController::iid, reinterpret_cast<void**> (&controller));
    controller->initialize (&host);
    component->queryInterface (Vst::IAudioProcessor::iid, reinterpret_cast<void**> (&processor));
    component->queryInterface (Vst::IConnectionPoint::iid, reinterpret_cast<void**> (&ends[0]));
    controller->queryInterface (Vst::IConnectionPoint::iid, reinterpret_cast<void**> (&ends[1]));
    ends[0]->connect (ends[1]);
    ends[1]->connect (ends[0]);
}

RtPlugin::~RtPlugin()
{
    stop();
    ends[0]->disconnect (ends[1]);
    ends[1]->disconnect (ends[0]);
    for (auto* end : ends)
        end->release();
    processor->release();
    controller->terminate();
    component->terminate();
    controller->release();
    component->release();
}

void RtPlugin::stop()
{
    if (! std::exchange (isActive, false))
        return;
    processor->setProcessing (false);
    component->setActive (false);
}

void RtPlugin::prepare (double sampleRate, int largestBlock, bool isOffline)
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
    context.tempo = 120;
}

void RtPlugin::process (const float* const* input, float* const* output, int samples,
                        std::int64_t position, bool isPlaying)
{
    using Context = Vst::ProcessContext;
    context.state = Context::kTempoValid | Context::kProjectTimeMusicValid
                    | (isPlaying ? Context::kPlaying : 0);
    context.projectTimeSamples = position;
    context.projectTimeMusic = double (position) / context.sampleRate * 2;
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
    data.processContext = &context;
    data.inputParameterChanges = &changes;
    processor->process (data);
}

void RtPlugin::automate (const std::string& name, double value)
{
    for (int32 i = 0; i < controller->getParameterCount(); ++i)
    {
        Vst::ParameterInfo info;
        controller->getParameterInfo (i, info);
        std::string title;
        for (const auto* letter = info.title; *letter != 0; ++letter)
            title += char (*letter);
        if (title != name)
            continue;
        changes.change.id = info.id;
        changes.change.value = value;
        changes.count = 1;
        return;
    }
    throw std::runtime_error ("there is no parameter " + name);
}

std::vector<Vst::ParamID> RtPlugin::parameters()
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

std::string RtPlugin::state()
{
    rt::Stream stream;
    component->getState (&stream);
    return stream.bytes;
}

void RtPlugin::restore (const std::string& state)
{
    rt::Stream stream (state), again (state);
    component->setState (&stream);
    controller->setComponentState (&again);
}

} // namespace stemlasso::hosting
