#include "FileDrag.h"

#include <X11/Xatom.h>
#include <X11/Xlib.h>

#include <algorithm>

namespace stemlasso::hosting
{

static constexpr long version = 3; // as JUCE has it
static constexpr const char* fileType = "text/uri-list";

FileDrag::FileDrag (Screen& screenToUse, const std::string& path)
    : screen (screenToUse), uris ("file://" + path + "\r\n")
{
    own = XCreateSimpleWindow (screen.display, DefaultRootWindow (screen.display), 0, 0, 1, 1, 0, 0,
                               0);
    screen.add (own, [this] (const XEvent& event) { handle (event); });
    XSetSelectionOwner (screen.display, atom ("XdndSelection"), own, CurrentTime);
    XSync (screen.display, False);
}

FileDrag::~FileDrag()
{
    screen.remove (own);
    XDestroyWindow (screen.display, own);
    XSync (screen.display, False);
}

unsigned long FileDrag::atom (const char* name) const
{
    return XInternAtom (screen.display, name, False);
}

void FileDrag::enter (XWindow window)
{
    target = window;
    hasFinished = false;
    send ("XdndEnter", { version << 24, long (atom (fileType)) });
}

void FileDrag::move (int x, int y)
{
    XWindow inside;
    int rootX = 0, rootY = 0;
    XTranslateCoordinates (screen.display, target, DefaultRootWindow (screen.display), x, y, &rootX,
                           &rootY, &inside);
    send ("XdndPosition",
          { 0, (long (rootX) << 16) | rootY, CurrentTime, long (atom ("XdndActionCopy")) });
}

void FileDrag::drop() { send ("XdndDrop", { 0, CurrentTime }); }

void FileDrag::send (const char* message, std::initializer_list<long> values)
{
    XEvent event{};
    event.xclient.type = ClientMessage;
    event.xclient.window = target;
    event.xclient.message_type = atom (message);
    event.xclient.format = 32;
    event.xclient.data.l[0] = long (own);
    std::copy (values.begin(), values.end(), event.xclient.data.l + 1);
    XSendEvent (screen.display, target, False, NoEventMask, &event);
    XFlush (screen.display);
}

void FileDrag::handle (const XEvent& event)
{
    if (event.type == ClientMessage && event.xclient.message_type == atom ("XdndFinished"))
        hasFinished = true;
    if (event.type == SelectionRequest && event.xselectionrequest.requestor == target)
        answer (event);
}

void FileDrag::answer (const XEvent& event)
{
    const auto& asked = event.xselectionrequest;
    XChangeProperty (screen.display, asked.requestor, asked.property, asked.target, 8,
                     PropModeReplace, reinterpret_cast<const unsigned char*> (uris.data()),
                     int (uris.size()));
    XEvent told{};
    told.xselection.type = SelectionNotify;
    told.xselection.requestor = asked.requestor;
    told.xselection.selection = asked.selection;
    told.xselection.target = asked.target;
    told.xselection.property = asked.property;
    told.xselection.time = asked.time;
    XSendEvent (screen.display, asked.requestor, False, NoEventMask, &told);
    XFlush (screen.display);
}

} // namespace stemlasso::hosting
