#include "Recorder.h"

namespace stemlasso::capture
{

class Recorder::Writer
{
};

Recorder::Recorder (std::string) {}
Recorder::~Recorder() = default;
void Recorder::prepare (double, int, int) {}
void Recorder::process (const float* const*, int, int, const Transport&, bool, bool) noexcept {}
std::vector<Take> Recorder::takes() const { return {}; }
void Recorder::finish() {}

} // namespace stemlasso::capture
