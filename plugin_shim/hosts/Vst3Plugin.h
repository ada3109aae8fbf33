#pragma once

// A VST3 plug-in as a host loads it, for all hosts in this folder: everything that a host may do is a
// call here.

#include "Vst3Objects.h"

#include <pluginterfaces/base/ipluginbase.h>
#include <pluginterfaces/gui/iplugview.h>
#include <pluginterfaces/vst/ivstaudioprocessor.h>
#include <pluginterfaces/vst/ivstcomponent.h>
#include <pluginterfaces/vst/ivsteditcontroller.h>
#include <pluginterfaces/vst/ivstprocesscontext.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stemlasso::hosting
{

/** The module, loaded and unloaded as a host does. */
class Vst3Module
{
public:
    /** bundle: the .vst3 folder. Throws std::runtime_error. */
    explicit Vst3Module (const std::string& bundle);
    ~Vst3Module();

    Steinberg::IPluginFactory& factory() const { return *plugins; }

private:
    void* library = nullptr;
    Steinberg::IPtr<Steinberg::IPluginFactory> plugins;
};

/** What a host says of a block's first sample. */
struct Moment
{
    std::int64_t position = 0; ///< in samples; VST3 has no way not to say it
    bool isPlaying = true;
    std::optional<double> quarters, tempoBpm;
};

/** Component and controller, connected, both told of the host. */
class Vst3Plugin
{
public:
    /** Both outlive the plug-in. Throws std::runtime_error. */
    Vst3Plugin (Vst3Module&, HostApplication&);
    ~Vst3Plugin();
    /** Nothing is to be done with it afterwards; it is there until it is destroyed. */
    void terminate();

    void prepare (double sampleRate, int largestBlock, bool isOffline = false);
    /** Stereo; allocates nothing. None: as a host that says nothing of its transport. */
    void process (const float* const* input, float* const* output, int samples,
                  const std::optional<Moment>&);
    /** isPlaying: at `position`, at 120 beats per minute. */
    void process (const float* const* input, float* const* output, int samples,
                  std::int64_t position, bool isPlaying = true)
    {
        process (input, output, samples,
                 Moment{ position, isPlaying, double (position) / context.sampleRate * 2, 120 });
    }
    /** With the next block, at one of its samples, as automation. */
    void automate (const std::string& name, double value, int offset = 0);
    void automateNothing() { changes.count = 0; }

    /** As the host's user interface sets it, on this thread. */
    void set (const std::string& name, double value) { set (idOf (name), value); }
    void set (Steinberg::Vst::ParamID id, double value)
    {
        controller->setParamNormalized (id, value);
    }
    double parameter (const std::string& name)
    {
        return controller->getParamNormalized (idOf (name));
    }
    std::vector<Steinberg::Vst::ParamID> parameters();

    /** So often it told that its state changed, apart from parameters. */
    int timesDirty() const { return handler.timesDirty; }

    std::string state();
    void restore (const std::string& state);

    /** Of its editor, which nothing shows yet; null when it has none. */
    Steinberg::IPtr<Steinberg::IPlugView> createView()
    {
        return Steinberg::owned (controller->createView (Steinberg::Vst::ViewType::kEditor));
    }

private:
    void connect (bool isOn);
    void stop();
    Steinberg::Vst::ParamID idOf (const std::string& name);

    Steinberg::IPtr<Steinberg::Vst::IComponent> component;
    Steinberg::IPtr<Steinberg::Vst::IEditController> controller;
    Steinberg::FUnknownPtr<Steinberg::Vst::IAudioProcessor> processor{ nullptr };
    ComponentHandler handler;
    bool isActive = false, isTerminated = false;
    Changes changes;
    Steinberg::Vst::ProcessContext context{};
};

} // namespace stemlasso::hosting
