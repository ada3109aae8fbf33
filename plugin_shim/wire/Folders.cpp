#include "Folders.h"

#include <cstdlib>

namespace stemlasso::wire
{

std::string environmentVariable (const char* name)
{
#ifdef _WIN32
    char* found = nullptr;
    std::size_t size = 0;
    if (_dupenv_s (&found, &size, name) != 0 || found == nullptr)
        return {};
    std::string value (found);
    std::free (found);
    return value;
#else
    const char* found = std::getenv (name);
    return found == nullptr ? std::string() : std::string (found);
#endif
}

std::filesystem::path pathOf (const std::string& utf8)
{
    return std::filesystem::path (std::u8string (utf8.begin(), utf8.end()));
}

std::string utf8Of (const std::filesystem::path& path)
{
    const auto text = path.u8string();
    return std::string (text.begin(), text.end());
}

Folders Folders::find()
{
    if (const auto named = environmentVariable ("STEMLASSO_HOME"); ! named.empty())
        return { pathOf (named) / "run", pathOf (named) };
#if defined(_WIN32)
    const auto local = environmentVariable ("LOCALAPPDATA");
    if (local.empty())
        return {};
    return { pathOf (local) / "StemLasso" / "run", pathOf (local) / "StemLasso" };
#else
    const auto home = environmentVariable ("HOME");
    if (home.empty())
        return {};
#if defined(__APPLE__)
    const auto support = pathOf (home) / "Library/Application Support/StemLasso";
    return { support / "run", support };
#else
    const auto runtime = environmentVariable ("XDG_RUNTIME_DIR");
    const auto config = environmentVariable ("XDG_CONFIG_HOME");
    return { runtime.empty() ? pathOf (home) / ".cache/stemlasso/run"
                             : pathOf (runtime) / "stemlasso",
             (config.empty() ? pathOf (home) / ".config" : pathOf (config)) / "stemlasso" };
#endif
#endif
}

} // namespace stemlasso::wire
