#pragma once

// A VST3 plug-in as REAPER loads it: component and controller connected, both told of the host, which
// is REAPER's host application as well.

#include "FakeReaper.h"

#include <pluginterfaces/base/ipluginbase.h>
#include <pluginterfaces/vst/ivstaudioprocessor.h>
#include <pluginterfaces/vst/ivstcomponent.h>
#include <pluginterfaces/vst/ivsteditcontroller.h>

#include <memory>
#include <string>

namespace stemlasso::hosting
{

class LoadedPlugin
{
public:
    /** bundle: the .vst3 folder. Throws std::runtime_error. project: what the plug-in is told to be
        part of. */
    LoadedPlugin (const std::string& bundle, reaper::FakeReaper&, reaper::Project* project);
    ~LoadedPlugin();

    /** As the host's user interface sets it, on this thread. */
    void setParameter (const std::string& name, double value);
    /** As automation sets it: in a block of audio, on a thread of its own. */
    void automate (const std::string& name, double value);
    double parameter (const std::string& name);

    std::string state();
    void restore (const std::string& state);

private:
    class Application;

    Steinberg::Vst::ParamID idOf (const std::string& name);

    std::unique_ptr<Application> application;
    void* library = nullptr;
    Steinberg::IPtr<Steinberg::IPluginFactory> factory;
    Steinberg::IPtr<Steinberg::Vst::IComponent> component;
    Steinberg::IPtr<Steinberg::Vst::IEditController> controller;
    Steinberg::FUnknownPtr<Steinberg::Vst::IAudioProcessor> processor{ nullptr };
};

} // namespace stemlasso::hosting
