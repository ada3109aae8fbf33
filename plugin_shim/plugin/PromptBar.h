#pragma once

// What to take out, how well, the button that begins it, and how it goes.

#include "StatusLine.h"

namespace stemlasso
{

class PromptBar final : public juce::Component
{
public:
    struct Shown
    {
        juce::String key; ///< another one: another clip, whose description replaces the text
        wire::Prompt prompt;
        wire::JobOptions options;
        view::WorkState work;
        std::string missing;    ///< what hinders a separation; empty: nothing does
        bool canRefine = false; ///< the stems are a draft's
    };

    PromptBar();
    void show (const Shown&);

    std::function<void (const std::string&)> onDescription;
    std::function<void (const wire::JobOptions&)> onOptions;
    std::function<void()> onSeparate, onCancel, onRefine;

    void paint (juce::Graphics&) override;
    void resized() override;

private:
    void run();
    void showMenu();
    void choose (int item);
    view::Line line() const;
    void leave (juce::Component&);

    Shown shown;
    juce::TextEditor description;
    juce::TextButton how, separate{ "Separate" }, cancel{ "Cancel" }, refine{ "Refine" };
    StatusLine status;
};

} // namespace stemlasso
