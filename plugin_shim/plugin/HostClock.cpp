#include "HostClock.h"

#include <pluginterfaces/vst/ivstaudioprocessor.h>
#include <pluginterfaces/vst/ivstprocesscontext.h>

#include <atomic>

namespace stemlasso
{

namespace vst = Steinberg::Vst;

/** What the host gets for the wrapper's IAudioProcessor: a part of the same object, as COM sees it. */
class HostClock::Passage final : public vst::IAudioProcessor
{
public:
    std::atomic<vst::IAudioProcessor*> wrapper{ nullptr };
    std::optional<std::int64_t> position; ///< audio thread, while a block is processed

    Steinberg::tresult PLUGIN_API queryInterface (const Steinberg::TUID id, void** object) override
    {
        return wrapper.load()->queryInterface (id, object);
    }
    Steinberg::uint32 PLUGIN_API addRef() override { return wrapper.load()->addRef(); }
    /** The last one destroys wrapper, processor and this. */
    Steinberg::uint32 PLUGIN_API release() override { return wrapper.load()->release(); }

    Steinberg::tresult PLUGIN_API setBusArrangements (vst::SpeakerArrangement* inputs,
                                                      Steinberg::int32 inputCount,
                                                      vst::SpeakerArrangement* outputs,
                                                      Steinberg::int32 outputCount) override
    {
        return wrapper.load()->setBusArrangements (inputs, inputCount, outputs, outputCount);
    }
    Steinberg::tresult PLUGIN_API getBusArrangement (vst::BusDirection direction,
                                                     Steinberg::int32 index,
                                                     vst::SpeakerArrangement& found) override
    {
        return wrapper.load()->getBusArrangement (direction, index, found);
    }
    Steinberg::tresult PLUGIN_API canProcessSampleSize (Steinberg::int32 size) override
    {
        return wrapper.load()->canProcessSampleSize (size);
    }
    Steinberg::uint32 PLUGIN_API getLatencySamples() override
    {
        return wrapper.load()->getLatencySamples();
    }
    Steinberg::tresult PLUGIN_API setupProcessing (vst::ProcessSetup& setup) override
    {
        return wrapper.load()->setupProcessing (setup);
    }
    Steinberg::tresult PLUGIN_API setProcessing (Steinberg::TBool state) override
    {
        return wrapper.load()->setProcessing (state);
    }
    Steinberg::uint32 PLUGIN_API getTailSamples() override
    {
        return wrapper.load()->getTailSamples();
    }

    Steinberg::tresult PLUGIN_API process (vst::ProcessData& data) override
    {
        if (data.processContext != nullptr)
            position = data.processContext->projectTimeSamples;
        const auto result = wrapper.load (std::memory_order_relaxed)->process (data);
        position.reset();
        return result;
    }
};

HostClock::HostClock() : passage (std::make_unique<Passage>()) {}
HostClock::~HostClock() = default;

std::int32_t HostClock::query (const Steinberg::TUID id, juce::AudioPlayHead* wrapper,
                               void** object)
{
    *object = nullptr;
    if (! Steinberg::FUnknownPrivate::iidEqual (id, vst::IAudioProcessor_iid))
        return Steinberg::kNoInterface;
    // JUCE's wrapper is the play head of what it wraps
    auto* processor = dynamic_cast<vst::IAudioProcessor*> (wrapper);
    if (processor == nullptr)
        return Steinberg::kNoInterface;
    passage->wrapper = processor;
    passage->addRef();
    *object = static_cast<vst::IAudioProcessor*> (passage.get());
    return Steinberg::kResultOk;
}

std::optional<std::int64_t> HostClock::position() const noexcept { return passage->position; }

} // namespace stemlasso
