#pragma once

// What hosts/window_host.cpp does with the plug-in's windows.

#include "AudioThread.h"
#include "FileDrag.h"
#include "HostWindow.h"

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace stemlasso::hosting
{

class WindowDesk
{
public:
    /** With one instance, and no window. bundle: the .vst3 folder. Throws std::runtime_error, as all
        of this does when something never comes. */
    WindowDesk (RunLoop&, const std::string& bundle);

    void giveState (const std::string& file);
    void settle();
    void open();
    void close();
    void again (int windows);
    void moments (int windows);
    void size (int width, int height);
    void scale (float factor) { seat.window->scale (factor); }
    void sizes (int count);
    void states (int count, const std::string& file);
    void drops (int count, const std::string& file);
    void pairs (int count);
    void late (int count);
    void modules (int count);
    void automate (const std::string& name, double value);
    int clips();
    int windows() const { return nWindows; } ///< that were opened so far
    /** Closes everything; gives what came of it, as JSON. */
    std::string end();

private:
    /** An instance, and its window where it is open. */
    struct Seat
    {
        Seat (RunLoop& loopToUse, AudioThread& audioToUse) : loop (loopToUse), audio (audioToUse) {}
        ~Seat() { leave(); }
        void leave();

        SameLoop loop;
        AudioThread& audio;
        std::unique_ptr<Vst3Plugin> plugin;
        std::unique_ptr<HostWindow> window;
    };
    struct Counted
    {
        long threads = 0, files = 0;
    };

    void load();
    void sit (Seat&);
    void show (Seat&, int place = 0, bool sharesLoop = false);
    void setState (Seat&, const std::string& xml);
    void turns (int count);
    int some (int most) { return int (random() % unsigned (most + 1)); }
    template <typename Condition>
    void until (Condition, const char* what);
    Counted counted (Counted atMost);
    void dragAndClose (FileDrag&, int stages);

    const std::string path;
    RunLoop& loop;
    Screen screen;
    HostApplication host{ u"windows" };
    AudioThread audio;
    std::unique_ptr<Vst3Module> module;
    Seat seat{ loop, audio };
    std::string xml = R"(<StemLasso version="1" capture="0"><Workspace/></StemLasso>)";
    std::mt19937 random{ 7 };

    int nWindows = 0, nWrongSizes = 0;
    std::size_t mostHandlers = 0;
    std::vector<double> openingSeconds;
    std::optional<Counted> before;
};

} // namespace stemlasso::hosting
