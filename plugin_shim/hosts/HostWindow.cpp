#include "HostWindow.h"

#include <pluginterfaces/gui/iplugviewcontentscalesupport.h>

#include <X11/Xlib.h>
#include <X11/Xutil.h>

#include <mutex>
#include <stdexcept>

using namespace Steinberg;

namespace Steinberg // the SDK that comes with JUCE leaves these ids to JUCE
{
DEF_CLASS_IID (IPlugView)
DEF_CLASS_IID (IPlugFrame)
DEF_CLASS_IID (IPlugViewContentScaleSupport)
namespace Linux
{
DEF_CLASS_IID (IRunLoop)
}
} // namespace Steinberg

namespace stemlasso::hosting
{

namespace
{
constexpr unsigned long unpainted = 0xff00ff; // no colour of the editor's
constexpr int left = 20, top = 40, placeWidth = 960;
constexpr int cornerPixels = 4;
constexpr int roundingPixels = 2; // JUCE's, where it scales by no whole number
constexpr long embeddedNotify = 0, windowActivate = 1, focusIn = 4; // XEMBED's messages

std::mutex errorMutex;
std::vector<std::string> errorWords;

int noteError (Display* display, XErrorEvent* event)
{
    char words[128];
    XGetErrorText (display, event->error_code, words, sizeof (words));
    const std::lock_guard lock (errorMutex);
    errorWords.push_back (std::string (words) + ", request "
                          + std::to_string (event->request_code));
    return 0;
}

Display* open()
{
    XInitThreads();
    auto* display = XOpenDisplay (nullptr);
    if (display == nullptr)
        throw std::runtime_error ("there is no X server at DISPLAY");
    XSetErrorHandler (noteError);
    return display;
}
} // namespace

Screen::Screen (RunLoop& loop) : display (open())
{
    loop.watch (ConnectionNumber (display),
                [this]
                {
                    readEvents();
                    return true;
                });
}

Screen::~Screen() { XCloseDisplay (display); }

void Screen::add (XWindow id, std::function<void (const XEvent&)> handle)
{
    windows[id] = std::move (handle);
}

void Screen::remove (XWindow id) { windows.erase (id); }

std::vector<std::string> Screen::errors() const
{
    const std::lock_guard lock (errorMutex);
    return errorWords;
}

void Screen::readEvents()
{
    while (XPending (display) > 0)
    {
        XEvent event;
        XNextEvent (display, &event);
        if (const auto found = windows.find (event.xany.window); found != windows.end())
            found->second (event);
    }
}

HostWindow::HostWindow (Screen& screenToUse, Linux::IRunLoop& loopToUse, IPtr<IPlugView> viewToShow,
                        int place)
    : screen (screenToUse), loop (loopToUse), view (std::move (viewToShow))
{
    ViewRect size;
    if (view == nullptr
        || view->isPlatformTypeSupported (kPlatformTypeX11EmbedWindowID) != kResultOk
        || view->setFrame (this) != kResultOk || view->getSize (&size) != kResultOk)
        throw std::runtime_error ("the plug-in has no editor for X11");
    auto* display = screen.display;
    XSizeHints hints{};
    hints.flags = USPosition | USSize;
    hints.x = left + place * placeWidth;
    hints.y = top;
    own = XCreateSimpleWindow (display, DefaultRootWindow (display), hints.x, hints.y,
                               unsigned (size.getWidth()), unsigned (size.getHeight()), 0, 0,
                               unpainted);
    XSetWMNormalHints (display, own, &hints);
    XSelectInput (display, own, SubstructureNotifyMask | FocusChangeMask);
    screen.add (own, [this] (const XEvent& event) { handle (event); });
    XMapWindow (display, own);
    XSync (display, False); // the plug-in has a connection of its own, and looks for our window
    isIn =
        view->attached (reinterpret_cast<void*> (own), kPlatformTypeX11EmbedWindowID) == kResultOk;
}

HostWindow::~HostWindow()
{
    takeOut();
    view->setFrame (nullptr);
    screen.remove (own);
    XDestroyWindow (screen.display, own);
    XSync (screen.display, False);
}

void HostWindow::takeOut()
{
    XSync (screen.display, False); // what was sent to the plug-in's window finds it
    if (std::exchange (isIn, false))
        view->removed();
    child = 0;
}

tresult HostWindow::queryInterface (const TUID id, void** object)
{
    if (! FUnknownPrivate::iidEqual (id, Linux::IRunLoop::iid))
        return Owned::queryInterface (id, object);
    *object = &loop;
    return kResultOk;
}

tresult HostWindow::resizeView (IPlugView* which, ViewRect* size)
{
    XResizeWindow (screen.display, own, unsigned (std::max (size->getWidth(), 1)),
                   unsigned (std::max (size->getHeight(), 1)));
    XFlush (screen.display);
    return which->onSize (size);
}

bool HostWindow::resize (int width, int height, bool asks)
{
    ViewRect size (0, 0, width, height), now;
    if (asks && view->checkSizeConstraint (&size) != kResultOk)
        return false;
    XResizeWindow (screen.display, own, unsigned (std::max (size.getWidth(), 1)),
                   unsigned (std::max (size.getHeight(), 1)));
    XFlush (screen.display);
    view->onSize (&size);
    return view->getSize (&now) == kResultOk
           && std::abs (now.getWidth() - size.getWidth()) <= roundingPixels
           && std::abs (now.getHeight() - size.getHeight()) <= roundingPixels;
}

bool HostWindow::isPainted()
{
    screen.readEvents();
    XWindowAttributes now;
    if (XGetWindowAttributes (screen.display, own, &now) == 0 || now.map_state != IsViewable)
        return false;
    auto* image = XGetImage (screen.display, own, now.width - cornerPixels,
                             now.height - cornerPixels, 1, 1, AllPlanes, ZPixmap);
    if (image == nullptr)
        return false;
    const auto colour = XGetPixel (image, 0, 0) & 0xffffff;
    XDestroyImage (image);
    return colour != unpainted && colour != 0; // black is what JUCE puts below an editor
}

void HostWindow::scale (float factor)
{
    FUnknownPtr<IPlugViewContentScaleSupport> scaled (view);
    if (scaled != nullptr)
        scaled->setContentScaleFactor (factor);
}

void HostWindow::handle (const XEvent& event)
{
    if (event.type == CreateNotify && isIn)
    {
        child = event.xcreatewindow.window;
        embed (embeddedNotify, 0, long (own));
        embed (windowActivate);
    }
    else if (event.type == FocusIn && child != 0)
        embed (focusIn);
}

void HostWindow::embed (long message, long detail, long data)
{
    XEvent event{};
    event.xclient.type = ClientMessage;
    event.xclient.window = child;
    event.xclient.message_type = XInternAtom (screen.display, "_XEMBED", False);
    event.xclient.format = 32;
    const long values[] = { CurrentTime, message, detail, data, 0 };
    std::copy (std::begin (values), std::end (values), event.xclient.data.l);
    XSendEvent (screen.display, child, False, NoEventMask, &event);
}

} // namespace stemlasso::hosting
