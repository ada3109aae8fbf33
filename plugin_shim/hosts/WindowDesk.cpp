#include "WindowDesk.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace stemlasso::hosting
{

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace
{
constexpr int mostTurns = 12;
constexpr milliseconds longTurn (20), shortTurn (5);
constexpr std::chrono::seconds patience (120);

std::string contentOf (const std::string& file)
{
    std::ifstream stream (file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (! stream)
        throw std::runtime_error (file + " cannot be read");
    return text.str();
}

long entries (const char* folder)
{
    const std::filesystem::directory_iterator all (folder);
    return std::distance (begin (all), end (all));
}

/** The plug-in's own XML inside what it gave as its state: a mark, the length, the XML, a zero, and
    what JUCE puts behind it. */
constexpr std::size_t headBytes = 8;

std::uint32_t xmlBytes (const std::string& state)
{
    std::uint32_t size = 0;
    if (state.size() > headBytes)
        std::memcpy (&size, state.data() + 4, sizeof (size));
    return size;
}

std::string withXml (const std::string& state, const std::string& xml)
{
    const auto size = std::uint32_t (xml.size());
    std::string framed = state.substr (0, 4);
    framed.append (reinterpret_cast<const char*> (&size), sizeof (size));
    return framed + xml + state.substr (headBytes + xmlBytes (state));
}
} // namespace

WindowDesk::WindowDesk (RunLoop& loopToUse, const std::string& bundle)
    : path (bundle), loop (loopToUse), screen (loopToUse)
{
    load();
}

void WindowDesk::load()
{
    module = std::make_unique<Vst3Module> (path);
    sit (seat);
}

void WindowDesk::sit (Seat& free)
{
    free.plugin = std::make_unique<Vst3Plugin> (*module, host);
    audio.add (*free.plugin);
    setState (free, xml);
}

void WindowDesk::Seat::leave()
{
    window.reset();
    if (plugin != nullptr)
        audio.remove (*plugin);
    plugin.reset();
}

void WindowDesk::show (Seat& whose, int place, bool sharesLoop)
{
    using Loop = Steinberg::Linux::IRunLoop;
    auto& itsLoop = sharesLoop ? static_cast<Loop&> (loop) : whose.loop;
    whose.window =
        std::make_unique<HostWindow> (screen, itsLoop, whose.plugin->createView(), place);
    ++nWindows;
    mostHandlers = std::max (mostHandlers, loop.handlers());
}

void WindowDesk::setState (Seat& whose, const std::string& content)
{
    whose.plugin->restore (withXml (whose.plugin->state(), content));
}

void WindowDesk::turns (int count)
{
    for (int i = 0; i < count; ++i)
        loop.turn (shortTurn);
}

template <typename Condition>
void WindowDesk::until (Condition isSo, const char* what)
{
    const auto end = Clock::now() + patience;
    while (! isSo())
    {
        if (Clock::now() > end)
            throw std::runtime_error (std::string ("never came: ") + what);
        loop.turn (longTurn);
    }
}

void WindowDesk::giveState (const std::string& file)
{
    xml = contentOf (file);
    setState (seat, xml);
}

void WindowDesk::settle()
{
    for (int i = 0; i < 3; ++i)
    {
        open();
        close();
    }
    openingSeconds.clear();
    before = counted ({});
}

/** Threads and open files of this process. The system lists a thread a moment longer than it takes to
    join it, and what the plug-in begins with a window may end a moment after it. */
WindowDesk::Counted WindowDesk::counted (Counted atMost)
{
    Counted now;
    const auto end = Clock::now() + (atMost.threads > 0 ? patience : std::chrono::seconds (1));
    do
    {
        loop.turn (longTurn);
        now = { entries ("/proc/self/task"), entries ("/proc/self/fd") };
    } while ((now.threads > atMost.threads || now.files > atMost.files) && Clock::now() < end);
    return now;
}

void WindowDesk::open()
{
    const auto began = Clock::now();
    show (seat);
    until ([this] { return seat.window->isPainted(); }, "the editor's first picture");
    openingSeconds.push_back (std::chrono::duration<double> (Clock::now() - began).count());
}

void WindowDesk::close() { seat.window.reset(); }

void WindowDesk::again (int windows)
{
    for (int i = 0; i < windows; ++i)
    {
        open();
        close();
    }
}

void WindowDesk::moments (int windows)
{
    for (int i = 0; i < windows; ++i)
    {
        show (seat);
        turns (some (mostTurns));
        close();
        turns (some (2));
    }
}

void WindowDesk::size (int width, int height)
{
    if (! seat.window->resize (width, height, true))
        throw std::runtime_error ("the editor does not take the size that it allowed");
}

void WindowDesk::sizes (int count)
{
    const std::pair<int, int> silly[] = { { 0, 0 },    { 1, 1 },    { -7, -300 },
                                          { 3000, 1 }, { 1, 2000 }, { 20000, 20000 } };
    open();
    for (int i = 0; i < count; ++i)
    {
        const auto [width, height] =
            i % 3 == 0 ? silly[std::size_t (some (5))] : std::pair (some (3000), some (2000));
        const bool asks = i % 2 == 0 || width * height > 3000 * 2000;
        const bool isRight = seat.window->resize (width, height, asks);
        nWrongSizes += asks && ! isRight ? 1 : 0;
        if (i % 10 == 5)
            seat.window->scale (i % 20 == 5 ? 1.5f : 1.0f);
        turns (some (2));
    }
    seat.window->resize (920, 580, true);
    close();
    again (1);
}

void WindowDesk::states (int count, const std::string& file)
{
    const auto other = contentOf (file);
    for (int i = 0; i < count; ++i)
    {
        show (seat);
        turns (some (mostTurns));
        std::atomic<bool> isGiven{ false };
        const auto give = [&]
        {
            setState (seat, i % 2 == 0 ? other : xml);
            isGiven = true;
        };
        std::thread elsewhere;
        if (i % 4 < 2)
            give();
        else
            elsewhere = std::thread (give); // as hosts do that save in the background
        until ([&] { return isGiven.load(); }, "the state");
        if (elsewhere.joinable())
            elsewhere.join();
        turns (some (mostTurns));
        close();
    }
    setState (seat, xml);
}

void WindowDesk::drops (int count, const std::string& file)
{
    FileDrag drag (screen, file);
    for (int i = 0; i < count; ++i)
    {
        open();
        until ([this] { return seat.window->editor() != 0; }, "the editor's window");
        dragAndClose (drag, i % 4);
        setState (seat, xml);
    }
    open();
    until ([this] { return seat.window->editor() != 0; }, "the editor's window");
    const int clipsBefore = clips();
    drag.enter (seat.window->editor());
    drag.move (400, 200);
    drag.drop();
    until ([&] { return drag.isFinished() && clips() > clipsBefore; }, "the dropped file");
    close();
}

/** stages: after so many steps of it. */
void WindowDesk::dragAndClose (FileDrag& drag, int stages)
{
    drag.enter (seat.window->editor());
    turns (some (2));
    if (stages > 0)
        drag.move (300 + some (200), 100 + some (200));
    turns (some (2));
    if (stages > 1)
        drag.drop();
    turns (stages > 2 ? some (mostTurns) : some (1));
    drag.giveUp();
    close();
}

void WindowDesk::pairs (int count)
{
    Seat other (loop, audio);
    sit (other);
    for (int i = 0; i < count; ++i)
    {
        const bool sharesLoop = i % 8 < 4;
        show (seat, 0, sharesLoop);
        turns (some (3));
        show (other, 1, sharesLoop);
        turns (some (mostTurns));
        auto &first = i % 2 == 0 ? seat : other, &second = i % 2 == 0 ? other : seat;
        first.window.reset();
        turns (some (3));
        if (i % 4 > 1) // the one that stays goes on: it draws what is new of it
        {
            second.window->resize (1100 + i, 700, true);
            until ([&] { return second.window->isPainted(); }, "the other editor's picture");
        }
        second.window.reset();
    }
}

void WindowDesk::late (int count)
{
    for (int i = 0; i < count; ++i)
    {
        show (seat);
        turns (some (mostTurns));
        audio.remove (*seat.plugin);
        if (i % 2 == 0)
        {
            seat.window->takeOut(); // only the view is released late
            seat.plugin.reset();
        }
        else
            seat.plugin->terminate();
        turns (some (3));
        seat.window.reset();
        seat.plugin.reset();
        sit (seat);
    }
}

void WindowDesk::modules (int count)
{
    seat.leave();
    module.reset();
    const auto cycle = [this]
    {
        load();
        show (seat);
        turns (some (mostTurns));
        seat.leave();
        module.reset();
    };
    cycle();
    const auto start = counted ({});
    for (int i = 0; i < count; ++i)
        cycle();
    const auto end = counted (start);
    if (end.threads > start.threads || end.files > start.files)
        throw std::runtime_error (
            "modules leave something: threads " + std::to_string (start.threads) + " to "
            + std::to_string (end.threads) + ", files " + std::to_string (start.files) + " to "
            + std::to_string (end.files));
    if (contentOf ("/proc/self/maps").find (".vst3/") != std::string::npos)
        throw std::runtime_error ("the module is still in memory");
    load();
}

void WindowDesk::automate (const std::string& name, double value)
{
    audio.automate (*seat.plugin, name, value);
}

int WindowDesk::clips()
{
    const auto state = seat.plugin->state();
    int count = 0;
    for (auto at = state.find ("<Clip "); at != std::string::npos;
         at = state.find ("<Clip ", at + 1))
        ++count;
    return count;
}

std::string WindowDesk::end()
{
    close();
    const auto start = before.value_or (Counted{});
    const auto now = counted (start);
    std::sort (openingSeconds.begin(), openingSeconds.end());
    std::string errors;
    for (const auto& each : screen.errors())
        errors += (errors.empty() ? "\"" : ", \"") + each + "\"";
    const auto n = openingSeconds.size();
    char text[512];
    std::snprintf (text, sizeof (text),
                   R"({"windows": %d, "blocks": %ld, "altered": %ld, "wrong_sizes": %d, )"
                   R"("threads": [%ld, %ld], "files": [%ld, %ld], "handlers": [%zu, %zu], )"
                   R"("timers": %zu, "median_s": %.4f, "slowest_s": %.4f, "x_errors": [)",
                   nWindows, audio.blocks(), audio.altered(), nWrongSizes, start.threads,
                   now.threads, start.files, now.files, mostHandlers, loop.handlers(),
                   loop.timers(), n > 0 ? openingSeconds[n / 2] : 0.0,
                   n > 0 ? openingSeconds[n - 1] : 0.0);
    return text + errors + "]}";
}

} // namespace stemlasso::hosting
