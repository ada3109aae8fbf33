#include "ReaperApi.h"

namespace stemlasso::reaper
{

ReaperApi::ReaperApi (Lookup lookupToUse) : lookup (std::move (lookupToUse)) {}
bool ReaperApi::canRead() const { return false; }
bool ReaperApi::canInsert() const { return false; }
Selection ReaperApi::selectedItems (const std::string&) const { return {}; }
std::string ReaperApi::insert (const Item&, const std::vector<StemToInsert>&, bool) const
{
    return "not in REAPER";
}

} // namespace stemlasso::reaper
