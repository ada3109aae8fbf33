#include "ConnectionFile.h"

#include "Folders.h"
#include "Message.h"

#include <fstream>
#include <nlohmann/json.hpp>

#ifdef _WIN32
#include <windows.h>
#else
#include <cerrno>
#include <csignal>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace stemlasso::wire
{

namespace
{
using Json = nlohmann::json;
using Refusal = ConnectionRefusal;

constexpr std::size_t mostBytes = 64 * 1024;

/** Takes one field after the other, and keeps the words for the first that is not as it must be. */
struct Fields
{
    const Json& file;
    std::string words;

    std::string text (const char* name, std::size_t most, const char* otherwise = nullptr)
    {
        const auto found = file.find (name);
        if (found == file.end() && otherwise != nullptr)
            return otherwise;
        if (found == file.end() || ! found->is_string())
            return refuse (name, "text was expected");
        const auto& given = found->get_ref<const std::string&>();
        if (given.size() > most || ! isCleanText (given))
            return refuse (name, "it is too long, or holds NUL");
        return given;
    }

    std::string key (const char* name)
    {
        static const std::string allowed = "0123456789abcdefghijklmnopqrstuvwxyz"
                                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
        const auto given = text (name, 40);
        if (given.size() != 40 || given.find_first_not_of (allowed) != std::string::npos)
            return refuse (name, "40 characters of Z85 were expected");
        return given;
    }

    std::int64_t count (const char* name)
    {
        const auto found = file.find (name);
        if (found == file.end())
            return 0;
        if (found->is_number_unsigned()
            && found->get<std::uint64_t>() <= std::uint64_t (largestWhole))
            return found->get<std::int64_t>();
        refuse (name, "a count was expected");
        return 0;
    }

private:
    std::string refuse (const std::string& name, const char* what)
    {
        if (words.empty())
            words = name + ": " + what;
        return {};
    }
};

std::string shown (const std::filesystem::path& path) { return utf8Of (path); }
} // namespace

std::variant<Connection, ConnectionRefusal> readConnection (const std::filesystem::path& path)
{
    std::error_code failed;
    if (! std::filesystem::exists (std::filesystem::symlink_status (path, failed)))
        return Refusal{ NoConnection::absent, "the engine is not running" };
    if (const auto words = whyUnsafe (path, false); ! words.empty())
        return Refusal{ NoConnection::unsafe, words };
    const auto content = readFile (path, mostBytes + 1);
    const auto broken = [&] (const std::string& what)
    {
        return Refusal{ NoConnection::broken,
                        shown (path) + ": " + what + "; stop the engine and start it again" };
    };
    if (! content)
        return broken ("it cannot be read");
    if (content->size() > mostBytes)
        return broken ("it has more than 64 KiB");
    const auto file = Json::parse (*content, nullptr, false);
    if (! file.is_object())
        return broken ("it is not JSON as the engine writes it");
    Fields fields{ file, {} };
    Connection connection{
        fields.text ("endpoint", 1024),      fields.key ("server_public_key"),
        fields.key ("client_public_key"),    fields.key ("client_secret_key"),
        fields.text ("protocol", 16, "1.0"), fields.text ("server_version", 64, ""),
        fields.text ("server_id", 64, ""),   fields.count ("pid")
    };
    if (! fields.words.empty())
        return broken (fields.words);
    if (connection.protocol.substr (0, connection.protocol.find ('.'))
        != std::to_string (majorVersion))
        return Refusal{ NoConnection::newer, "the engine speaks protocol " + connection.protocol
                                                 + ", this plug-in " + std::to_string (majorVersion)
                                                 + "." + std::to_string (minorVersion)
                                                 + ": update the older of the two" };
    if (connection.endpoint.rfind ("tcp://", 0) != 0)
        return broken ("endpoint: tcp://ADDRESS:PORT was expected");
    if (! isAlive (connection.pid))
        return Refusal{ NoConnection::absent, "the engine is not running" };
    return connection;
}

std::optional<std::string> readFile (const std::filesystem::path& path, std::size_t most)
{
    std::ifstream stream (path, std::ios::binary);
    std::string content (most, '\0');
    stream.read (content.data(), std::streamsize (most));
    if (stream.bad() || (! stream.is_open()))
        return std::nullopt;
    content.resize (std::size_t (stream.gcount()));
    return content;
}

#ifdef _WIN32

bool isAlive (std::int64_t pid)
{
    if (pid <= 0 || pid > 0xffffffff)
        return false;
    const auto process = OpenProcess (PROCESS_QUERY_LIMITED_INFORMATION, FALSE, DWORD (pid));
    if (process == nullptr)
        return false;
    DWORD code = 0;
    const auto isKnown = GetExitCodeProcess (process, &code);
    CloseHandle (process);
    return isKnown && code == STILL_ACTIVE;
}

// The folders lie in the user's profile, which the system keeps to the user.
std::string whyUnsafe (const std::filesystem::path&, bool) { return {}; }

#else

bool isAlive (std::int64_t pid)
{
    if (pid <= 0 || pid > INT32_MAX)
        return false;
    return kill (pid_t (pid), 0) == 0 || errno == EPERM;
}

std::string whyUnsafe (const std::filesystem::path& path, bool mayBeRead)
{
    struct stat found = {};
    if (lstat (path.c_str(), &found) != 0)
        return shown (path) + ": it cannot be looked at";
    if (! S_ISREG (found.st_mode))
        return shown (path) + ": it is no plain file; remove it";
    if (found.st_uid != geteuid())
        return shown (path) + ": it belongs to another user; remove it";
    if ((found.st_mode & (mayBeRead ? 0022u : 0077u)) != 0)
        return shown (path) + ": others may open it; remove it, and start the engine again";
    return {};
}

#endif

} // namespace stemlasso::wire
