#pragma once

#include "ErrandMachine.h"
#include "Folders.h"

namespace stemlasso::wire
{

/** A link of one's own, for tests: with other folders, or less patience. */
std::shared_ptr<EngineLink> makeLink (Folders, Timing);

} // namespace stemlasso::wire
