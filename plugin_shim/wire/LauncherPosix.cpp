#include "Launcher.h"

#ifndef _WIN32

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace stemlasso::wire
{

namespace
{
/** What a host sets for itself would lead a Python of ours astray. */
bool isOfTheHost (std::string_view variable)
{
    static const std::string_view names[] = { "PYTHONHOME=", "PYTHONPATH=", "LD_LIBRARY_PATH=",
                                              "LD_PRELOAD=", "DYLD_INSERT_LIBRARIES=" };
    return std::any_of (std::begin (names), std::end (names),
                        [&] (auto name) { return variable.substr (0, name.size()) == name; });
}

/** Descriptors, signals and session of a program that starts, for posix_spawn. */
class Surroundings
{
public:
    explicit Surroundings (const std::string& log)
    {
        posix_spawn_file_actions_init (&files);
        posix_spawnattr_init (&attributes);
        posix_spawn_file_actions_addopen (&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen (&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                          0600);
        posix_spawn_file_actions_adddup2 (&files, 1, 2);
        short flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
#if defined(__APPLE__)
        flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#elif defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
        posix_spawn_file_actions_addclosefrom_np (&files, 3);
#endif
        sigset_t none, all;
        sigemptyset (&none);
        sigfillset (&all);
        posix_spawnattr_setsigmask (&attributes, &none);
        posix_spawnattr_setsigdefault (&attributes, &all);
        posix_spawnattr_setflags (&attributes, flags);
    }
    ~Surroundings()
    {
        posix_spawn_file_actions_destroy (&files);
        posix_spawnattr_destroy (&attributes);
    }
    Surroundings (const Surroundings&) = delete;
    Surroundings& operator= (const Surroundings&) = delete;

    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
};
} // namespace

std::string startDetached (const Command& command, const std::filesystem::path& log)
{
    // The shell puts the program into the background and ends: so it is a child of the system's
    // first process, dies with nobody and leaves no dead child here. Not fork, which would copy the
    // page tables of a host with tens of gigabytes.
    Command words{ "/bin/sh", "-c", "command -v \"$0\" >/dev/null || exit 127; \"$0\" \"$@\" &" };
    words.insert (words.end(), command.begin(), command.end());
    std::vector<char*> arguments, variables;
    for (auto& each : words)
        arguments.push_back (each.data());
    for (auto** each = environ; *each != nullptr; ++each)
        if (! isOfTheHost (*each))
            variables.push_back (*each);
    arguments.push_back (nullptr);
    variables.push_back (nullptr);

    const Surroundings around (log.empty() ? "/dev/null" : log.string());
    pid_t child = 0;
    const auto failed = posix_spawn (&child, arguments[0], &around.files, &around.attributes,
                                     arguments.data(), variables.data());
    if (failed != 0)
        return command.front() + ": it cannot be started (" + std::strerror (failed) + ")";
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid (child, &status, 0)) < 0 && errno == EINTR)
    {
    }
    // A host that waits for all children itself has taken the answer; then nothing is known.
    if (ended == child && (! WIFEXITED (status) || WEXITSTATUS (status) != 0))
        return command.front() + ": there is no such program, or the log " + log.string()
               + " cannot be written";
    return {};
}

} // namespace stemlasso::wire

#endif
