#include "Launcher.h"

#include "ConnectionFile.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace stemlasso::wire
{

namespace
{
using Json = nlohmann::json;

constexpr std::size_t mostFileBytes = 64 * 1024;
constexpr std::uintmax_t mostLogBytes = 2 * 1024 * 1024;
constexpr auto advice = "install StemLasso again, or start it yourself with `stemlasso serve`";

/** A list of text, not empty, whose first names a program by its whole path. */
Command commandIn (const Json& given)
{
    Command command;
    if (! given.is_array())
        return {};
    for (const auto& each : given)
    {
        if (! each.is_string()
            || each.get_ref<const std::string&>().find ('\0') != std::string::npos)
            return {};
        command.push_back (each.get<std::string>());
    }
    if (command.empty() || ! pathOf (command.front()).is_absolute())
        return {};
    return command;
}

std::filesystem::path onPath (const std::string& name)
{
#ifdef _WIN32
    constexpr char separator = ';';
    const auto file = name + ".exe";
#else
    constexpr char separator = ':';
    const auto& file = name;
#endif
    const auto folders = environmentVariable ("PATH") + separator;
    for (std::size_t start = 0, end; (end = folders.find (separator, start)) != std::string::npos;
         start = end + 1)
    {
        const auto path = pathOf (folders.substr (start, end - start)) / file;
        std::error_code failed;
        if (path.is_absolute() && std::filesystem::is_regular_file (path, failed))
            return path;
    }
    return {};
}

FoundCommand ofFile (const std::filesystem::path& path)
{
    if (auto words = whyUnsafe (path, true); ! words.empty())
        return { {}, words };
    const auto content = readFile (path, mostFileBytes);
    const auto file = Json::parse (content.value_or (""), nullptr, false);
    auto command =
        file.is_object() && file.contains ("command") ? commandIn (file["command"]) : Command();
    if (command.empty())
        return { {}, utf8Of (path) + ": it does not name a command; " + advice };
    std::error_code failed;
    if (! std::filesystem::exists (pathOf (command.front()), failed))
        return { {}, command.front() + ": it is there no more; " + advice };
    return { command, {} };
}

/** The folder of logs, for this user alone; false where there can be none. */
bool makeRuntimeFolder (const Folders& folders)
{
    std::error_code failed;
    std::filesystem::create_directories (folders.runtime, failed);
    std::filesystem::permissions (folders.runtime, std::filesystem::perms::owner_all, failed);
    return ! failed;
}

/** The last line of a log that says something. */
std::string lastLine (const std::filesystem::path& log)
{
    std::ifstream stream (log, std::ios::binary);
    stream.seekg (0, std::ios::end);
    const auto size = std::streamoff (stream.tellg());
    stream.seekg (size > 2000 ? size - 2000 : 0);
    std::string last;
    for (std::string line; std::getline (stream, line);)
        if (line.find_first_not_of (" \t\r") != std::string::npos)
            last = line;
    return last;
}
} // namespace

FoundCommand findCommand (const Folders& folders)
{
    if (const auto named = environmentVariable ("STEMLASSO_COMMAND"); ! named.empty())
    {
        auto command = commandIn (Json::parse (named, nullptr, false));
        return { command.empty() ? Command{ named } : command, {} };
    }
    std::error_code failed;
    const auto file = folders.launcherFile();
    if (! folders.config.empty() && std::filesystem::exists (file, failed))
        return ofFile (file);
    if (const auto found = onPath ("stemlasso"); ! found.empty())
        return { { utf8Of (found) }, {} };
    return { {}, std::string ("the engine is not installed for this user: ") + advice };
}

std::string startServer (const Folders& folders)
{
    auto [command, words] = findCommand (folders);
    if (command.empty())
        return words;
    command.push_back ("serve");
    makeRuntimeFolder (folders);
    std::error_code failed;
    if (std::filesystem::file_size (folders.log(), failed) > mostLogBytes && ! failed)
        std::filesystem::resize_file (folders.log(), 0, failed);
    return startDetached (command, folders.log());
}

std::string lastWords (const Folders& folders) { return lastLine (folders.log()); }

std::string startPanel (const Folders& folders, const std::string& clipId)
{
    auto [command, words] = findCommand (folders);
    if (command.empty())
        return words;
    command.push_back ("panel");
    if (! clipId.empty())
        command.insert (command.end(), { "--clip", clipId });
    if (folders.runtime.empty() || ! makeRuntimeFolder (folders))
        return startDetached (command, {});
    std::error_code failed;
    std::filesystem::remove (folders.panelLog(), failed);
    return startDetached (command, folders.panelLog());
}

std::string panelTrouble (const Folders& folders)
{
    constexpr std::string_view mark = "error: "; // as `stemlasso` says why it ends
    const auto last = lastLine (folders.panelLog());
    return last.rfind (mark, 0) == 0 ? last.substr (mark.size()) : std::string();
}

} // namespace stemlasso::wire
