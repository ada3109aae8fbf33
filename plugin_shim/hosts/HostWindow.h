#pragma once

// A host's window on X11 with a plug-in's editor in it, as XEMBED and VST3 want it.

#include "RunLoop.h"

#include <pluginterfaces/gui/iplugview.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

struct _XDisplay;
union _XEvent;

namespace stemlasso::hosting
{

using XWindow = unsigned long;

/** The host's connection to the X server. Errors of X, those of the plug-in's connection as well, are
    kept in words, and end nothing. */
class Screen
{
public:
    /** Throws std::runtime_error where there is no X server. */
    explicit Screen (RunLoop&);
    ~Screen();

    /** Events of this window are given to `handle`. */
    void add (XWindow, std::function<void (const _XEvent&)> handle);
    void remove (XWindow);
    /** Hands out what has come; the loop does it too, but not for what came with an answer. */
    void readEvents();
    std::vector<std::string> errors() const;

    _XDisplay* const display;

private:
    std::map<XWindow, std::function<void (const _XEvent&)>> windows;
};

class HostWindow final : public Owned<Steinberg::IPlugFrame>
{
public:
    /** Opens it. The loop outlives it. place: the how-manieth on the screen. Throws
        std::runtime_error when the plug-in does not want to. */
    HostWindow (Screen&, Steinberg::Linux::IRunLoop&, Steinberg::IPtr<Steinberg::IPlugView>,
                int place = 0);
    /** Takes the editor out, if that was not done, and closes it. */
    ~HostWindow();
    void takeOut();

    /** As a user drags its corner; asks: the plug-in says first what it allows. Returns whether the
        editor has the size then that it was given. */
    bool resize (int width, int height, bool asks);
    /** As when it comes to a screen of another density. */
    void scale (float factor);
    /** The editor has drawn, down to its lower right corner. */
    bool isPainted();
    /** The plug-in's own window in ours; 0: there is none yet. */
    XWindow editor() const { return child; }

    Steinberg::tresult PLUGIN_API queryInterface (const Steinberg::TUID, void** object) override;
    Steinberg::tresult PLUGIN_API resizeView (Steinberg::IPlugView*, Steinberg::ViewRect*) override;

private:
    void handle (const _XEvent&);
    void embed (long message, long detail = 0, long data = 0);

    Screen& screen;
    Steinberg::Linux::IRunLoop& loop;
    Steinberg::IPtr<Steinberg::IPlugView> view;
    bool isIn = false;
    XWindow own = 0, child = 0;
};

} // namespace stemlasso::hosting
