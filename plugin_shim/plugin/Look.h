#pragma once

// Colours, type and controls of the editor, in line with the panel's dark theme.

#include "view/Words.h"

#include <juce_gui_basics/juce_gui_basics.h>

namespace stemlasso
{

/** Colours by what they are for. */
namespace colours
{
inline const juce::Colour ground{ 0xff12151a }, panel{ 0xff181c22 }, raised{ 0xff222831 },
    hover{ 0xff2b333e }, line{ 0xff2a313b }, text{ 0xffe7ecf2 }, dim{ 0xff95a1b0 },
    accent{ 0xff4da3ff }, onAccent{ 0xff06121f }, canvas{ 0xff0b0e13 }, grid{ 0xff1b222b },
    mixture{ 0xff6cb6ff }, target{ 0xffffb454 }, residual{ 0xff93a1b5 }, take{ 0xffc9a0ff },
    plus{ 0xff3ddc97 }, minus{ 0xffff6b80 }, warning{ 0xffffb454 };

juce::Colour of (view::Tone);
} // namespace colours

juce::Font font (float height, bool isBold = false);
int textWidth (const juce::Font&, const juce::String&);
/** Text of the parts without JUCE. */
juce::String fromUtf8 (const std::string&);
std::string toUtf8 (const juce::String&);

class Look final : public juce::LookAndFeel_V4
{
public:
    Look();

    void drawButtonBackground (juce::Graphics&, juce::Button&, const juce::Colour&, bool isOver,
                               bool isDown) override;
    void drawButtonText (juce::Graphics&, juce::TextButton&, bool isOver, bool isDown) override;
    void drawToggleButton (juce::Graphics&, juce::ToggleButton&, bool isOver, bool isDown) override;
    void fillTextEditorBackground (juce::Graphics&, int width, int height,
                                   juce::TextEditor&) override;
    void drawTextEditorOutline (juce::Graphics&, int width, int height, juce::TextEditor&) override;
    void drawPopupMenuBackgroundWithOptions (juce::Graphics&, int width, int height,
                                             const juce::PopupMenu::Options&) override;
    juce::Font getPopupMenuFont() override { return font (13); }
    void drawPopupMenuSectionHeader (juce::Graphics&, const juce::Rectangle<int>&,
                                     const juce::String&) override;
    int getPopupMenuBorderSizeWithOptions (const juce::PopupMenu::Options&) override { return 5; }
    juce::Rectangle<int> getTooltipBounds (const juce::String&, juce::Point<int>,
                                           juce::Rectangle<int>) override;
    void drawTooltip (juce::Graphics&, const juce::String&, int width, int height) override;
    void drawCornerResizer (juce::Graphics&, int width, int height, bool isOver,
                            bool isDragging) override;

private:
    static juce::TextLayout tooltipLayout (const juce::String&);
};

/** A button of one colour meaning: ordinary, or the thing to do next. */
void makePrimary (juce::TextButton&);

/** For screen readers: what kind of thing a component is, where JUCE cannot know it. */
std::unique_ptr<juce::AccessibilityHandler> accessible (juce::Component&, juce::AccessibilityRole);

/** A setting that is on or off. A click leaves the keys to whom they belonged, so that Space goes on
    to start the host; reached by Tab, Space and Return switch it. */
class CheckBox final : public juce::ToggleButton
{
public:
    CheckBox (const juce::String& words, const juce::String& tip);
    bool keyPressed (const juce::KeyPress&) override;
    int widthOfWords() const; ///< with its box
};

/** A small button that shows a drawing. */
class IconButton final : public juce::Button
{
public:
    /** icon: within a square of side 1. */
    IconButton (const juce::String& title, const juce::String& tip, juce::Path icon);
    void paintButton (juce::Graphics&, bool isOver, bool isDown) override;

    static juce::Path folder();
    static juce::Path copy();

private:
    juce::Path drawing;
};

} // namespace stemlasso
