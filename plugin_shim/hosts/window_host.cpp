// Opens and closes the plug-in's editor as no other host does, while audio runs on a thread of its
// own: with words on lines of standard input, parted by tabs.
//
//     state    FILE       the plug-in's XML, for every instance from now on
//     settle              some windows; then threads and files are counted, to be compared at the end
//     open, close         the window of the first instance
//     again    N          windows, each until it has drawn
//     moments  N          windows, each closed after a few turns of the loop, or none
//     size     W H        of the first instance's window, in its own pixels
//     scale    FACTOR     as when that window comes to a screen of another density
//     sizes    N          of one window, those that the plug-in allows and others
//     states   N FILE     given while a window is open: this one and that of before
//     drops    N FILE     onto a window, closed anywhere within the drag
//     pairs    N          of instances with windows at the same time, closed in either order
//     late     N          instances that end before their window does
//     modules  N          times the module is unloaded, loaded and shown
//     automate NAME VALUE a parameter of the first instance, with the next block
//     clips               of the first instance
//
// Every line is answered with one of JSON, and the end of the input with what came of it all: X errors,
// blocks that were not passed to the bit, what is left in the loop, threads and files before and after.
// Status 1, and words, when something never comes or the plug-in cannot be loaded.

#include "Lines.h"
#include "WindowDesk.h"

#include <cstdio>
#include <iostream>
#include <unistd.h>

using namespace stemlasso::hosting;

namespace
{
void obey (WindowDesk& desk, const std::vector<std::string>& words)
{
    const auto& command = words[0];
    const auto text = [&words] (std::size_t i) { return words.at (i); };
    const auto count = [&words] { return std::stoi (words.at (1)); };
    if (command == "state")
        desk.giveState (text (1));
    else if (command == "settle")
        desk.settle();
    else if (command == "open")
        desk.open();
    else if (command == "close")
        desk.close();
    else if (command == "again")
        desk.again (count());
    else if (command == "moments")
        desk.moments (count());
    else if (command == "size")
        desk.size (count(), std::stoi (text (2)));
    else if (command == "scale")
        desk.scale (std::stof (text (1)));
    else if (command == "sizes")
        desk.sizes (count());
    else if (command == "states")
        desk.states (count(), text (2));
    else if (command == "drops")
        desk.drops (count(), text (2));
    else if (command == "pairs")
        desk.pairs (count());
    else if (command == "late")
        desk.late (count());
    else if (command == "modules")
        desk.modules (count());
    else if (command == "automate")
        desk.automate (text (1), std::stod (text (2)));
    else if (command != "clips")
        throw std::runtime_error ("no such command: " + command);
    std::printf ("{\"did\": \"%s\", \"clips\": %d, \"windows\": %d}\n", command.c_str(),
                 desk.clips(), desk.windows());
    std::fflush (stdout);
}
} // namespace

int main (int argumentCount, char** arguments)
{
    if (argumentCount != 2)
        return std::puts ("usage: window_host BUNDLE, and lines on standard input"), 2;
    try
    {
        RunLoop loop;
        Lines lines (loop);
        WindowDesk desk (loop, arguments[1]);
        while (! lines.isAtEnd())
            if (const auto words = lines.next())
                obey (desk, *words);
            else
                loop.turn (std::chrono::milliseconds (20));
        std::puts (desk.end().c_str());
    }
    catch (const std::exception& error)
    {
        std::cerr << error.what() << std::endl;
        _exit (1); // the plug-in may hold threads that an orderly end would wait for
    }
    return 0;
}
