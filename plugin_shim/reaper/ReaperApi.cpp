#include "ReaperApi.h"

#include "Placing.h"
#include "SelectionRead.h"

#include <algorithm>
#include <array>

namespace stemlasso::reaper
{

struct ReaperApi::Parts
{
    Lookup lookup;
    Functions functions;
    Owner owner;

    Project* project() const
    {
        return owner != nullptr ? static_cast<Project*> (owner()) : nullptr;
    }
};

namespace
{
constexpr const char* placedJobs = "StemLasso placed"; ///< as daw/reaper/lib/memory.lua has it

/** Copies of stems in a folder of their own, taken away again unless they are kept. */
class Copies
{
public:
    Copies (const std::string& mediaFolder, const std::string& name)
    {
        if (mediaFolder.empty())
            return;
        const auto base = mediaFolder + "/StemLasso/" + cleanName (name);
        folder = base;
        std::error_code ignored;
        for (int number = 2; std::filesystem::exists (pathOf (folder), ignored); ++number)
            folder = base + " " + std::to_string (number);
    }

    ~Copies()
    {
        std::error_code ignored;
        if (! isKept && isMade)
            std::filesystem::remove_all (pathOf (folder), ignored);
    }

    std::string copy (StemToInsert& stem)
    {
        if (folder.empty())
            return {};
        std::error_code problem;
        const auto from = pathOf (stem.path);
        if (! std::filesystem::is_regular_file (from, problem))
            return "a stem is gone or cannot be read: " + stem.path;
        isMade = std::filesystem::create_directories (pathOf (folder), problem) || isMade;
        const auto to = pathOf (folder) / from.filename();
        std::filesystem::copy_file (from, to, problem);
        if (problem)
            return utf8Of (to) + ": the stem could not be copied below the project's media: "
                   + problem.message();
        stem.path = utf8Of (to);
        return {};
    }

    void keep() { isKept = true; }

private:
    std::string folder;
    bool isMade = false, isKept = false;
};

std::string lacks (const std::string& function)
{
    return "This REAPER has no " + function
           + ", which inserting stems needs; update REAPER, or drag the "
           + "stems onto the timeline.";
}
} // namespace

ReaperApi::ReaperApi (Lookup lookup, Owner owner)
    : parts (std::make_unique<Parts> (Parts{ lookup, Functions (lookup), std::move (owner) }))
{
}

ReaperApi::~ReaperApi() = default;

bool ReaperApi::canRead() const { return parts->functions.missingToRead().empty(); }
bool ReaperApi::canInsert() const { return parts->functions.missingToInsert().empty(); }

std::string ReaperApi::mediaFolder() const
{
    std::array<char, 8192> folder{};
    if (parts->functions.GetProjectPathEx != nullptr)
        parts->functions.GetProjectPathEx (parts->project(), folder.data(), int (folder.size()));
    return folder.data();
}

std::unique_ptr<SelectionRead> ReaperApi::startReading (const std::string& folder) const
{
    return std::make_unique<SelectionRead> (parts->lookup, parts->project(), folder);
}

Selection ReaperApi::selectedItems (const std::string& folder) const
{
    const auto read = startReading (folder);
    while (! read->advance (std::chrono::seconds (1)))
        continue;
    return read->result();
}

std::string ReaperApi::insert (const Item& item, const std::vector<StemToInsert>& stems,
                               bool muteOriginal, const std::string& jobId) const
{
    const auto& reaper = parts->functions;
    if (const auto missing = reaper.missingToInsert(); ! missing.empty())
        return lacks (missing);
    Plan plan;
    if (const auto why = makePlan (reaper, parts->project(), item, plan); ! why.empty())
        return why;
    Copies copies (mediaFolder(), item.name);
    auto placed = stems;
    for (auto& stem : placed)
        if (const auto why = copies.copy (stem); ! why.empty())
            return why;
    const auto why = place (reaper, plan, item.name, placed, muteOriginal);
    if (! why.empty())
        return why;
    copies.keep();
    if (reaper.SetProjExtState != nullptr && ! jobId.empty())
        reaper.SetProjExtState (parts->project(), placedJobs, jobId.c_str(), "1");
    return {};
}

} // namespace stemlasso::reaper
