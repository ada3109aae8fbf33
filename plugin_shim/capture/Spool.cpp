#include "Spool.h"

#include "TakeFile.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <vector>

#if ! defined(_WIN32)
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace stemlasso::capture
{

namespace fs = std::filesystem;

namespace
{
constexpr auto unfinishedEnd = ".part";
constexpr auto looseEnd = ".loose";

bool endsWith (const std::string& text, const std::string& end)
{
    return text.size() > end.size()
           && text.compare (text.size() - end.size(), end.size(), end) == 0;
}

fs::path toPath (const std::string& text)
{
    return fs::path (std::u8string (text.begin(), text.end()));
}

std::string toText (const fs::path& path)
{
    const auto text = path.u8string();
    return { text.begin(), text.end() };
}

/** What is in a folder. Empty or not whole when it cannot be read, or goes away meanwhile. */
std::vector<fs::path> entries (const fs::path& folder)
{
    std::vector<fs::path> found;
    std::error_code error;
    // not by a range: its step throws
    for (fs::directory_iterator each (folder, error), end; ! error && each != end;
         each.increment (error))
        found.push_back (each->path());
    return found;
}

struct LooseTake
{
    fs::path path;
    fs::file_time_type changed;
    std::uint64_t bytes = 0;
};

void removeTake (const fs::path& path)
{
    std::error_code error;
    if (fs::remove (path, error) || ! error)
        fs::remove (fs::path (path).concat (looseEnd), error);
}

std::string environment (const char* name)
{
    const auto* value = std::getenv (name);
    return value == nullptr ? std::string() : std::string (value);
}
} // namespace

Spool::Spool (std::string place) : folder (std::move (place)) {}

std::string Spool::open() const
{
    const auto refusal = [this] (const std::string& why)
    {
        return (folder.empty() ? std::string ("takes") : folder)
               + ": no take can be written there (" + why
               + "). STEMLASSO_HOME may name another place.";
    };
    if (folder.empty())
        return refusal ("the system names no folder for this user");
    std::error_code error;
    const auto path = toPath (folder);
    fs::create_directories (path.parent_path(), error);
#if defined(_WIN32)
    fs::create_directory (path, error);
    if (! fs::is_directory (path))
        return refusal (error.message());
#else
    ::mkdir (folder.c_str(), 0700);
    struct stat found{};
    if (::lstat (folder.c_str(), &found) != 0 || ! S_ISDIR (found.st_mode))
        return refusal (error ? error.message() : "it is no folder");
    if (found.st_uid != ::getuid())
        return refusal ("it belongs to another user");
    if ((found.st_mode & 0077) != 0 && ::chmod (folder.c_str(), 0700) != 0)
        return refusal ("others may read it");
#endif
    return {};
}

void Spool::tidy (const SpoolLimits& limits) const
{
    repair (limits);
    prune (limits);
}

void Spool::repair (const SpoolLimits& limits) const
{
    std::error_code error;
    const auto now = fs::file_time_type::clock::now();
    for (const auto& path : entries (toPath (folder)))
    {
        const auto name = toText (path);
        const auto whole = fs::path (path).replace_extension();
        if (endsWith (name, unfinishedEnd))
        {
            const auto left = TakeFile::repair (name);
            if (left == TakeFile::Left::whole && ! fs::exists (whole, error))
                fs::rename (path, whole, error);
            // a young one may be a take that another process has made and not locked yet
            const auto changed = fs::last_write_time (path, error);
            if (left == TakeFile::Left::nothing && ! error && now - changed > limits.spared)
                fs::remove (path, error);
        }
        // of a take that is gone; the unfinished name is looked for first: it turns into the other
        if (endsWith (name, looseEnd)
            && ! fs::exists (fs::path (whole).concat (unfinishedEnd), error)
            && ! fs::exists (whole, error))
            fs::remove (path, error);
    }
}

void Spool::prune (const SpoolLimits& limits) const
{
    std::error_code error;
    std::vector<LooseTake> loose;
    std::uint64_t looseBytes = 0;
    for (const auto& path : entries (toPath (folder)))
    {
        if (! endsWith (toText (path), looseEnd))
            continue;
        const auto take = fs::path (path).replace_extension();
        const auto bytes = fs::file_size (take, error);
        if (error)
            continue;
        const auto changed = fs::last_write_time (take, error);
        if (! error)
            loose.push_back ({ take, changed, bytes });
        looseBytes += bytes;
    }
    std::sort (loose.begin(), loose.end(),
               [] (const auto& a, const auto& b) { return a.changed < b.changed; });
    const auto now = fs::file_time_type::clock::now();
    for (const auto& take : loose)
    {
        const auto age = now - take.changed;
        const bool isTooMuch = looseBytes > limits.looseBytes && age > limits.spared;
        if (age <= limits.oldest && ! isTooMuch)
            continue;
        removeTake (take.path);
        looseBytes -= take.bytes;
    }
}

std::string Spool::newName (std::uint64_t number)
{
    const auto now = std::time (nullptr);
    std::tm local{};
#if defined(_WIN32)
    localtime_s (&local, &now);
#else
    localtime_r (&now, &local);
#endif
    std::array<char, 32> when{}, end{};
    std::strftime (when.data(), when.size(), "%Y-%m-%d %H.%M.%S", &local);
    std::snprintf (end.data(), end.size(), "%08x.wav", unsigned (std::random_device{}()));
    return std::string (when.data()) + " take " + std::to_string (number) + " " + end.data();
}

std::string Spool::unfinished (const std::string& name) const
{
    return toText (toPath (folder) / toPath (name)) + unfinishedEnd;
}

void Spool::loosen (const std::string& name) const
{
    const auto path = (toPath (folder) / toPath (name)).concat (looseEnd);
    if (auto* file = std::fopen (path.string().c_str(), "wb"))
        std::fclose (file);
}

std::string Spool::finish (const std::string& name) const
{
    const auto path = toPath (folder) / toPath (name);
    std::error_code error;
    fs::rename (toPath (unfinished (name)), path, error);
    // another process that tidies may have been quicker, as soon as the file was closed
    std::error_code unknown;
    if (! error || fs::exists (path, unknown))
        return toText (path);
    return fs::exists (toPath (unfinished (name)), unknown) ? unfinished (name) : std::string();
}

void Spool::discard (const std::string& name) const
{
    std::error_code error;
    fs::remove (toPath (unfinished (name)), error);
    fs::remove ((toPath (folder) / toPath (name)).concat (looseEnd), error);
}

void Spool::keep (const std::string& path)
{
    std::error_code error;
    fs::remove (toPath (path + looseEnd), error);
}

std::string defaultSpoolFolder()
{
    fs::path base;
    if (const auto named = environment ("STEMLASSO_HOME"); ! named.empty())
        base = fs::absolute (toPath (named));
#if defined(_WIN32)
    else if (const auto local = environment ("LOCALAPPDATA"); ! local.empty())
        base = toPath (local) / "StemLasso";
#elif defined(__APPLE__)
    else if (const auto user = environment ("HOME"); ! user.empty())
        base = toPath (user) / "Library/Application Support/StemLasso";
#else
    else if (const auto data = environment ("XDG_DATA_HOME"); ! data.empty())
        base = toPath (data) / "stemlasso";
    else if (const auto user = environment ("HOME"); ! user.empty())
        base = toPath (user) / ".local/share/stemlasso";
#endif
    return base.empty() ? std::string() : toText (base / "spool");
}

} // namespace stemlasso::capture
