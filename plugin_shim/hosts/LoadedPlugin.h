#pragma once

// A VST3 plug-in as REAPER loads it: its host application is REAPER's as well.

#include "FakeReaper.h"
#include "Vst3Plugin.h"

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
    void setParameter (const std::string& name, double value) { plugin->set (name, value); }
    /** As automation sets it: in a block of audio, on a thread of its own. */
    void automate (const std::string& name, double value);
    double parameter (const std::string& name) { return plugin->parameter (name); }

    Steinberg::IPtr<Steinberg::IPlugView> createView() { return plugin->createView(); }

    int timesDirty() const { return plugin->timesDirty(); }

    std::string state() { return plugin->state(); }
    void restore (const std::string& state) { plugin->restore (state); }

private:
    class Application;

    std::unique_ptr<Application> application;
    std::unique_ptr<Vst3Module> module;
    std::unique_ptr<Vst3Plugin> plugin;
};

} // namespace stemlasso::hosting
