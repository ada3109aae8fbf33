#pragma once

// Arms the capture, and says how it goes.

#include "Look.h"
#include "capture/Recorder.h"

namespace stemlasso
{

class CaptureBox final : public juce::Component
{
public:
    /** hasTransport: audio is captured while something plays; otherwise whenever it comes. */
    explicit CaptureBox (bool hasTransport);
    ~CaptureBox() override;

    /** take: the one that is being captured, if any. */
    void show (bool isArmed, const std::optional<capture::Take>& take);

    std::function<void (bool)> onArm;

    void paint (juce::Graphics&) override;
    void resized() override;
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;

private:
    class Toggle;

    std::unique_ptr<Toggle> toggle;
    std::optional<capture::Take> take;
    const bool hasTransport;
    bool isArmed = false;
    float meter = 0; ///< falls slowly
    juce::String words;
};

} // namespace stemlasso
