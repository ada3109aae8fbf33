#pragma once

// The file of a described item, made in slices: REAPER's main thread does it between all else that it
// has to do, and a long item takes many turns. The project may change in the meantime; each turn that
// needs the item looks whether it is still there.

#include "Reading.h"
#include "Wav.h"

#include <memory>

namespace stemlasso::reaper
{

class Making
{
public:
    /** folder: where a new file is written, if one is needed. */
    Making (const Functions&, Project*, Found, std::string folder);
    /** An unfinished file is gone then. */
    ~Making();
    Making (const Making&) = delete;
    Making& operator= (const Making&) = delete;

    /** Goes on for one slice. Returns words when no file can be made; then it is over. */
    std::string step();
    bool isDone() const { return isMade; }
    double progress() const; ///< from 0 to 1

    Found found; ///< complete when it is done

private:
    std::string begin();
    std::string beginCut();
    std::string beginRendering();
    std::string renderSlice();
    std::string finishRendering();
    std::string whyNotNow() const;

    const Functions& reaper;
    Project* project;
    std::string folder, path;
    std::unique_ptr<WavCut> cut;
    std::unique_ptr<FloatWav> rendering;
    Accessor* accessor = nullptr;
    std::vector<double> block;
    std::int64_t samples = 0, done = 0;
    bool isBegun = false, isMade = false;
};

} // namespace stemlasso::reaper
