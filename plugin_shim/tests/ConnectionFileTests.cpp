#include "Scratch.h"
#include "wire/ConnectionFile.h"
#include "wire/Folders.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace stemlasso::wire;
using Json = nlohmann::json;

namespace
{
struct FileScratch : Scratch
{
    std::filesystem::path write (const std::string& content, mode_t mode = 0600) const
    {
        const auto file = path / "connection.json";
        std::filesystem::remove (file);
        std::ofstream (file, std::ios::binary) << content;
        chmod (file.c_str(), mode);
        return file;
    }
};

Json good()
{
    const std::string key (40, 'k');
    return { { "endpoint", "tcp://127.0.0.1:40000" },
             { "server_public_key", key },
             { "client_public_key", key },
             { "client_secret_key", key },
             { "protocol", "1.1" },
             { "server_version", "0.1.0" },
             { "server_id", "a1" },
             { "pid", getpid() },
             { "started_s", 1.5 },
             { "of_later", { 1, 2 } } };
}

NoConnection whyNot (const std::filesystem::path& file, const std::string& words)
{
    const auto read = readConnection (file);
    REQUIRE (std::holds_alternative<ConnectionRefusal> (read));
    const auto& refusal = std::get<ConnectionRefusal> (read);
    CHECK_THAT (refusal.words, Catch::Contains (words));
    return refusal.why;
}

/** Sets a variable of the environment for a while. */
struct Variable
{
    std::string name, before;
    bool wasThere;

    Variable (const char* of, const char* value) : name (of), wasThere (std::getenv (of) != nullptr)
    {
        before = environmentVariable (of);
        value == nullptr ? unsetenv (of) : setenv (of, value, 1);
    }
    ~Variable() { wasThere ? setenv (name.c_str(), before.c_str(), 1) : unsetenv (name.c_str()); }
};
} // namespace

TEST_CASE ("a connection file is read")
{
    const FileScratch scratch;
    const auto read = readConnection (scratch.write (good().dump()));
    REQUIRE (std::holds_alternative<Connection> (read));
    const auto& connection = std::get<Connection> (read);
    CHECK (connection.endpoint == "tcp://127.0.0.1:40000");
    CHECK (connection.serverId == "a1");
    CHECK (connection.pid == getpid());

    auto least = good();
    for (const auto* name : { "protocol", "server_version", "server_id", "started_s", "of_later" })
        least.erase (name);
    const auto again = readConnection (scratch.write (least.dump()));
    REQUIRE (std::holds_alternative<Connection> (again));
    CHECK (std::get<Connection> (again).protocol == "1.0");
}

TEST_CASE ("no file, and that of a dead process, mean that no engine runs")
{
    const FileScratch scratch;
    CHECK (whyNot (scratch.path / "none.json", "not running") == NoConnection::absent);
    const auto child = fork();
    if (child == 0)
        _exit (0);
    waitpid (child, nullptr, 0);
    auto stale = good();
    for (const auto pid : { std::int64_t (child), std::int64_t (0), std::int64_t (1) << 40 })
    {
        stale["pid"] = pid;
        CHECK (whyNot (scratch.write (stale.dump()), "not running") == NoConnection::absent);
    }
}

TEST_CASE ("a file that others could have touched is refused")
{
    const FileScratch scratch;
    for (const mode_t mode : { 0640, 0604, 0660, 0602, 0666 })
        CHECK (whyNot (scratch.write (good().dump(), mode), "others may open it")
               == NoConnection::unsafe);
    const auto file = scratch.write (good().dump());
    const auto link = scratch.path / "link.json";
    std::filesystem::create_symlink (file, link);
    CHECK (whyNot (link, "no plain file") == NoConnection::unsafe);
    CHECK (whyNot (scratch.path, "no plain file") == NoConnection::unsafe);
    if (geteuid() == 0)
    {
        REQUIRE (chown (file.c_str(), 12345, 12345) == 0);
        CHECK (whyNot (file, "another user") == NoConnection::unsafe);
    }
}

TEST_CASE ("a file that cannot be understood is refused in words")
{
    const FileScratch scratch;
    const auto isBroken = [&] (const std::string& content, const std::string& words)
    { return whyNot (scratch.write (content), words) == NoConnection::broken; };
    CHECK (isBroken ("", "not JSON"));
    CHECK (isBroken ("[]", "not JSON"));
    CHECK (isBroken (good().dump().substr (0, 60), "not JSON"));
    CHECK (isBroken (good().dump() + "x", "not JSON"));
    CHECK (isBroken (std::string (70000, '['), "64 KiB"));
    CHECK (isBroken (std::string (60000, '['), "not JSON"));
    CHECK (isBroken (good().dump() + std::string (65536, ' '), "64 KiB"));
    const std::pair<const char*, Json> changes[] = {
        { "endpoint", nullptr },
        { "endpoint", "ipc:///somewhere" },
        { "endpoint", std::string (1025, 'x') },
        { "server_public_key", std::string (39, 'k') },
        { "client_public_key", std::string (40, '~') },
        { "client_secret_key", 7 },
        { "pid", -1 },
        { "pid", "1" },
        { "pid", 1.5 },
        { "pid", std::uint64_t (1) << 60 },
    };
    for (const auto& [name, value] : changes)
    {
        auto file = good();
        file[name] = value;
        INFO (file.dump());
        CHECK (isBroken (file.dump(), name));
        file.erase (name);
        if (std::string (name) != "pid")
            CHECK (isBroken (file.dump(), name));
    }
}

TEST_CASE ("a server of another major is refused, and both versions are named")
{
    const FileScratch scratch;
    auto file = good();
    file["protocol"] = "2.4";
    CHECK (whyNot (scratch.write (file.dump()), "2.4") == NoConnection::newer);
    CHECK (whyNot (scratch.write (file.dump()), "1.1") == NoConnection::newer);
    file["protocol"] = "1.9";
    CHECK (std::holds_alternative<Connection> (readConnection (scratch.write (file.dump()))));
}

TEST_CASE ("the folders are those of the protocol")
{
    const Variable runtime ("XDG_RUNTIME_DIR", "/run/user/7"), home ("HOME", "/home/me"),
        config ("XDG_CONFIG_HOME", nullptr);
    {
        const Variable named ("STEMLASSO_HOME", "/somewhere");
        CHECK (Folders::find().connectionFile() == "/somewhere/run/connection.json");
        CHECK (Folders::find().launcherFile() == "/somewhere/launcher.json");
    }
    const Variable none ("STEMLASSO_HOME", nullptr);
#ifdef __linux__
    CHECK (Folders::find().connectionFile() == "/run/user/7/stemlasso/connection.json");
    CHECK (Folders::find().launcherFile() == "/home/me/.config/stemlasso/launcher.json");
    const Variable unset ("XDG_RUNTIME_DIR", nullptr);
    CHECK (Folders::find().connectionFile() == "/home/me/.cache/stemlasso/run/connection.json");
#endif
}
