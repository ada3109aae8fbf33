#pragma once

// A file in another program's drag, as XDND has it: over a window, and dropped there. The other
// program is this one, so that every step of it can be the last before the window closes.

#include "HostWindow.h"

namespace stemlasso::hosting
{

class FileDrag
{
public:
    /** path: of the file, without a character that a URI would have to escape. */
    FileDrag (Screen&, const std::string& path);
    ~FileDrag();

    void enter (XWindow target);
    /** x, y: in the target. */
    void move (int x, int y);
    /** The target asks for the path then. */
    void drop();
    /** Nothing more is sent, and no answer given: the target is gone. */
    void giveUp() { target = 0; }
    /** The target said that it took what was dropped, or did not want it. */
    bool isFinished() const { return hasFinished; }

private:
    void handle (const _XEvent&);
    void answer (const _XEvent&);
    void send (const char* message, std::initializer_list<long> values);
    unsigned long atom (const char* name) const;

    Screen& screen;
    std::string uris;
    XWindow own = 0, target = 0;
    bool hasFinished = false;
};

} // namespace stemlasso::hosting
