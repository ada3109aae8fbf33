#include "StemPaths.h"

#include "Folders.h"

#include <algorithm>

namespace stemlasso::wire
{

namespace
{
using Path = std::filesystem::path;

/** Whether `path` is written as something below `folder`, without steps up. */
bool isBelow (const Path& path, const Path& folder)
{
    if (! path.is_absolute() || ! folder.is_absolute() || folder == folder.root_path()
        || std::find (path.begin(), path.end(), "..") != path.end()
        || std::find (folder.begin(), folder.end(), "..") != folder.end())
        return false;
    const auto inner = path.lexically_normal(), outer = (folder / "").lexically_normal();
    const auto rest = inner.lexically_relative (outer);
    return ! rest.empty() && rest != "." && *rest.begin() != "..";
}
} // namespace

void keepExpectedPaths (JobResult& result, const std::string& outputFolder)
{
    const auto isExpected = [&] (const std::string& path)
    {
        return path.empty() || isBelow (pathOf (path), pathOf (result.folder))
               || (! outputFolder.empty() && isBelow (pathOf (path), pathOf (outputFolder)));
    };
    for (auto* path : { &result.manifestPath })
        if (! isExpected (*path))
            path->clear();
    for (auto& stem : result.stems)
        if (! isExpected (stem.path))
        {
            result.notices.push_back (
                { "path_refused", stem.path + ": this stem is not used, because it lies outside "
                                      + "the engine's folder " + result.folder
                                      + "; see that the engine is the one you installed" });
            stem.path.clear();
        }
}

} // namespace stemlasso::wire
