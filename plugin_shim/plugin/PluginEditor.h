#pragma once

// The window: lays its views out, shows them what processor and engine say, many times a second, and
// hands on what the user does. Holds nothing that is not on the screen.

#include "CaptureBox.h"
#include "ClipList.h"
#include "EngineBar.h"
#include "LayoutFile.h"
#include "PluginProcessor.h"
#include "PromptBar.h"
#include "SpanStrip.h"
#include "StemShelf.h"

namespace stemlasso
{

class PluginEditor final : public juce::AudioProcessorEditor,
                           public juce::FileDragAndDropTarget,
                           private juce::Timer,
                           private juce::ChangeListener
{
public:
    explicit PluginEditor (PluginProcessor&);
    ~PluginEditor() override;

    void paint (juce::Graphics&) override;
    void paintOverChildren (juce::Graphics&) override;
    void resized() override;
    void mouseUp (const juce::MouseEvent&) override;

    bool isInterestedInFileDrag (const juce::StringArray&) override;
    void fileDragEnter (const juce::StringArray&, int, int) override;
    void fileDragExit (const juce::StringArray&) override;
    void filesDropped (const juce::StringArray&, int, int) override;

private:
    static constexpr int headingHeight = 24;

    void timerCallback() override;
    void changeListenerCallback (juce::ChangeBroadcaster*) override;

    void connect();
    void refresh();
    void showClips (const std::optional<capture::Take>&);
    void showStrip (const WorkClip*, const std::optional<capture::Take>&);
    void showPrompt (const WorkClip*);
    void showStems (const WorkClip*);
    void showHeading (const WorkClip*, const std::optional<capture::Take>&);
    std::optional<capture::Take> openTake();
    void selectClip (const juce::String&);
    void openPanel();
    void lookAfterPanel();
    void say (const juce::String&);
    void giveFocus();

    PluginProcessor& processor;
    Look look;
    PeakLoader peaks;
    EngineBar engineBar;
    const bool hasTransport = processor.wrapperType != juce::AudioProcessor::wrapperType_Standalone;
    CaptureBox captureBox{ hasTransport };
    ClipList clipList;
    juce::TextButton useItems{ "Use selected items" };
    SpanStrip strip;
    PromptBar promptBar;
    StemShelf shelf;
    juce::ButtonParameterAttachment mutes{ processor.reaper().muteOriginal(),
                                           shelf.muteOriginal() };
    juce::ButtonParameterAttachment takes{ processor.reaper().insertTakes(), shelf.insertTakes() };
    juce::TooltipWindow tooltips{ this, 600 };
    LayoutFile layout{ *this };

    std::uint64_t takeShown = 0; ///< number of the open take that was shown last
    bool showsTake = false;      ///< the open take is on the screen, not the selected clip
    bool isFileOver = false;
    SafePointer<juce::Component> clicked; ///< shall have the focus
    int focusTicks = 0;                   ///< for so long
    int panelTicks = 0;                   ///< for so long it is looked whether the panel came up
    juce::String notice;                  ///< what the last thing that was done has to say
    juce::String problemOfTake;           ///< that was said last
    juce::String heading, headingDetail, headingRemark;

    JUCE_DECLARE_NON_COPYABLE_WITH_LEAK_DETECTOR (PluginEditor)
};

} // namespace stemlasso
