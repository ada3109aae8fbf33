#include "Recorder.h"

#include "Consumer.h"
#include "Producer.h"

namespace stemlasso::capture
{

Recorder::Recorder (std::string folder, std::function<void()> changed, Clock clock)
    : consumer (std::make_shared<Consumer> (std::move (folder), std::move (changed))),
      producer (std::make_unique<Producer> (clock))
{
}

Recorder::~Recorder()
{
    producer->end();
    consumer->stop();
}

void Recorder::prepare (double sampleRate, int channels, int largestBlock)
{
    if (auto ring = producer->prepare (sampleRate, channels, largestBlock))
        consumer->add (std::move (ring));
}

void Recorder::process (const float* const* input, int channels, int samples,
                        const Transport& transport, bool isArmed, bool mayWait) noexcept
{
    producer->process (input, channels, samples, transport, isArmed, mayWait);
}

void Recorder::process (const double* const* input, int channels, int samples,
                        const Transport& transport, bool isArmed, bool mayWait) noexcept
{
    producer->process (input, channels, samples, transport, isArmed, mayWait);
}

std::vector<Take> Recorder::takes() const { return consumer->takes(); }
void Recorder::finish() { consumer->requestFinish(); }

} // namespace stemlasso::capture
