#pragma once

#include "Values.h"

namespace stemlasso::wire
{

/** Keeps only stems that lie in the job's own folder of the store, or in the folder that was asked
    for; of the others the path is emptied and a notice says so. A plug-in hands these paths to its
    host, which opens them. */
void keepExpectedPaths (JobResult&, const std::string& outputFolder);

} // namespace stemlasso::wire
