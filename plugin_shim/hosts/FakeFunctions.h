#pragma once

#include "FakeReaper.h"

namespace stemlasso::reaper
{

extern FakeReaper* fake; ///< the one that the functions act on

/** Null where the stand-in has none of this name. */
void* fakeFunction (const std::string& name);

} // namespace stemlasso::reaper
