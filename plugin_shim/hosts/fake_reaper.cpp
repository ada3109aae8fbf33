// A REAPER of our own around the real plug-in, driven by lines of standard input: words separated by
// tabs, the first a command and the others KEY=VALUE. Prints the project at the end as JSON.
//
//     project   file= media=                 of the project that is in front
//     another                                a second project, brought to the front
//     track     name= FIELD=...              FIELDs as REAPER's API names them
//     item      FIELD=...                    selected, on the last track
//     take      file= kind= name= markers= effects= FIELD=...    of the last item
//     selection start= end=                  the time selection
//     missing   name=      fail name= call=  a function that REAPER lacks, or whose Nth call fails
//     load      bundle=                      the plug-in, in the first project
//     set | automate   name= value=          a parameter, by the user or in a block of audio
//     run       seconds=                     REAPER's timer runs
//     slow      milliseconds=                each block of audio takes REAPER so long
//     until     tracks= | undo= | state=, times= | called= | fallen= | risen= | part= | dirty= ; seconds=
//                                            runs until there are so many tracks or undo steps, the
//                                            state holds a text so often, a function was called, a
//                                            parameter is 0 or 1, so many files are unfinished, or the
//                                            plug-in told so often that it changed
//     clean     seconds=                     runs, in which it may not tell so
//     change    item= FIELD=...              moves or trims an item of the first track, from 0
//     remove    item=
//     delete    item=                        by the user: what pointed to it points to nothing
//     close                                  the first project's tab, and with it the plug-in
//     tempo     at= bpm=                     from a second on
//     tick      times=                       REAPER's timer, so often
//     window                                 the plug-in's, where the DISPLAY is; from now on REAPER
//                                            also runs while it waits for lines
//     reload                                 saves the plug-in's state, and loads it anew with it

#include "HostWindow.h"
#include "Lines.h"
#include "LoadedPlugin.h"
#include "reaper/Wav.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace
{
using namespace stemlasso;

using Words = std::map<std::string, std::string>;

class Scene
{
public:
    void run (const std::string& command, const Words& given)
    {
        words = given;
        if (command == "project")
        {
            fake.front->file = text ("file");
            fake.front->mediaFolder = text ("media");
        }
        else if (command == "another")
        {
            fake.projects.push_back (std::make_unique<reaper::Project>());
            fake.front = fake.projects.back().get();
        }
        else if (command == "track")
            track = fake.addTrack (text ("name"), values());
        else if (command == "item")
        {
            item = fake.addItem (track, values());
            item->isSelected = true;
        }
        else if (command == "take")
            addTake();
        else if (command == "selection")
        {
            fake.selectionStart = number ("start");
            fake.selectionEnd = number ("end");
        }
        else if (command == "missing")
            fake.missing.insert (text ("name"));
        else if (command == "fail")
            fake.failing[text ("name")] = int (number ("call"));
        else if (command == "change")
            for (const auto& [name, value] : values())
                (name.starts_with ("D_PLAY") || name == "D_STARTOFFS" ? chosen()->active->values
                                                                      : chosen()->values)[name] =
                    value;
        else if (command == "delete")
            fake.deleteItem (chosen());
        else if (command == "slow")
            fake.sliceMilliseconds = int (number ("milliseconds"));
        else if (command == "tempo")
            fake.tempos[number ("at")] = number ("bpm");
        else if (command == "tick")
            for (int times = int (number ("times")); times > 0; --times)
                fake.tick();
        else if (command == "remove")
            std::erase (fake.projects[0]->tracks.at (0)->items, chosen());
        else
            drive (command);
    }

    std::string json() const { return fake.json(); }
    void unload()
    {
        window.reset();
        plugin.reset();
    }

    /** Waits for lines, as REAPER waits for its user. */
    void idle()
    {
        loop.turn (turn);
        if (window.has_value())
            fake.tick();
    }

    hosting::RunLoop loop;

private:
    void drive (const std::string& command)
    {
        if (command == "load")
        {
            bundle = text ("bundle");
            plugin.emplace (bundle, fake, fake.projects[0].get());
        }
        else if (command == "window")
            window.emplace (screen.emplace (loop), loop, plugin->createView());
        else if (command == "reload")
        {
            const auto state = plugin->state();
            unload();
            plugin.emplace (bundle, fake, fake.projects[0].get());
            plugin->restore (state);
        }
        else if (command == "close")
        {
            unload(); // REAPER deletes the effects of a project with it
            fake.closeProject (fake.projects[0].get());
        }
        else if (command == "set")
            plugin->setParameter (text ("name"), number ("value"));
        else if (command == "automate")
            plugin->automate (text ("name"), number ("value"));
        else if (command == "run")
            runUntil (number ("seconds"), [] { return false; });
        else if (command == "clean")
        {
            const auto before = plugin->timesDirty();
            if (runUntil (number ("seconds"), [&] { return plugin->timesDirty() != before; }))
                throw std::runtime_error ("the plug-in told of a change");
        }
        else if (command == "until")
        {
            if (! runUntil (number ("seconds"), [this] { return isSo(); }))
                throw std::runtime_error ("never came: until " + words.begin()->first + " "
                                          + words.begin()->second + "\n" + json());
        }
        else
            throw std::runtime_error ("no such command: " + command);
    }

    bool isSo()
    {
        const auto& project = *fake.projects[0];
        if (words.contains ("tracks"))
            return project.tracks.size() >= std::size_t (number ("tracks"));
        if (words.contains ("undo"))
            return project.undo.size() >= std::size_t (number ("undo"));
        if (words.contains ("called"))
            return fake.isCalled (text ("called"));
        if (words.contains ("risen"))
            return plugin->parameter (text ("risen")) >= 0.5;
        if (words.contains ("fallen"))
            return plugin->parameter (text ("fallen")) < 0.5;
        if (words.contains ("part"))
            return unfinishedFiles() >= int (number ("part"));
        if (words.contains ("dirty"))
            return plugin->timesDirty() >= int (number ("dirty"));
        return timesInState (text ("state"))
               >= (words.contains ("times") ? int (number ("times")) : 1);
    }

    int timesInState (const std::string& wanted)
    {
        int times = 0;
        const auto state = plugin->state();
        for (auto at = state.find (wanted); at != std::string::npos;
             at = state.find (wanted, at + 1))
            ++times;
        return times;
    }

    int unfinishedFiles() const
    {
        int count = 0;
        std::error_code none;
        for (const auto& each : std::filesystem::recursive_directory_iterator (
                 reaper::pathOf (fake.projects[0]->mediaFolder), none))
            count += each.path().extension() == ".part" ? 1 : 0;
        return count;
    }

    template <typename Condition>
    bool runUntil (double seconds, Condition condition)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double> (seconds);
        do
        {
            fake.tick();
            if (condition())
                return true;
            loop.turn (turn);
        } while (std::chrono::steady_clock::now() < end);
        return false;
    }

    void addTake()
    {
        const auto kind = words.contains ("kind") ? text ("kind") : "WAVE";
        auto* source =
            kind == "WAVE" || kind == "REVERSED" ? fake.openWave (text ("file")) : nullptr;
        if (source == nullptr)
        {
            source = fake.makeSource (kind, words.contains ("file") ? text ("file") : "", 1);
            source->rate = 48000;
            source->channels = 2;
        }
        auto* take =
            fake.addTake (item, kind == "REVERSED" ? fake.reverse (source) : source, values());
        take->name = words.contains ("name") ? text ("name") : "";
        take->markers = words.contains ("markers") ? int (number ("markers")) : 0;
    }

    reaper::MediaItem* chosen()
    {
        return fake.projects[0]->tracks.at (0)->items.at (std::size_t (number ("item")));
    }

    std::string text (const std::string& key) const
    {
        const auto found = words.find (key);
        if (found == words.end())
            throw std::runtime_error ("a command lacks " + key);
        return found->second;
    }
    double number (const std::string& key) const { return std::stod (text (key)); }

    /** The words that are fields of REAPER's, such as D_VOL. */
    reaper::Values values() const
    {
        reaper::Values found;
        for (const auto& [key, value] : words)
            if (key.size() > 2 && key[1] == '_')
                found[key] = std::stod (value);
        return found;
    }

    static constexpr std::chrono::milliseconds turn{ 10 };

    reaper::FakeReaper fake;
    std::optional<hosting::LoadedPlugin> plugin;
    std::optional<hosting::Screen> screen;
    std::optional<hosting::HostWindow> window;
    std::string bundle;
    Words words;
    reaper::Track* track = nullptr;
    reaper::MediaItem* item = nullptr;
};
} // namespace

int main()
{
    Scene scene;
    try
    {
        hosting::Lines lines (scene.loop);
        while (! lines.isAtEnd())
        {
            const auto line = lines.next();
            if (! line)
            {
                scene.idle();
                continue;
            }
            Words words;
            for (auto part = line->begin() + 1; part != line->end(); ++part)
                words[part->substr (0, part->find ('='))] = part->substr (part->find ('=') + 1);
            scene.run (line->front(), words);
        }
        scene.unload();
    }
    catch (const std::exception& failure)
    {
        std::cerr << failure.what() << std::endl;
        _exit (1); // the plug-in may hold threads that an orderly end would wait for
    }
    std::cout << scene.json() << std::endl;
    return 0;
}
