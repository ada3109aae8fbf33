#include "Look.h"

namespace stemlasso
{

static constexpr int boxSide = 14, boxGap = 6, boxMargin = 6;
static juce::Font boxFont() { return font (12.5f); }

juce::Colour colours::of (view::Tone tone)
{
    switch (tone)
    {
    case view::Tone::quiet:
        return dim;
    case view::Tone::good:
        return plus;
    case view::Tone::busy:
        return accent;
    case view::Tone::warning:
        return warning;
    case view::Tone::bad:
        return minus;
    }
    return dim;
}

juce::Font font (float height, bool isBold)
{
    const auto style = isBold ? juce::Font::bold : juce::Font::plain;
#if JUCE_MAJOR_VERSION >= 8
    return juce::Font (juce::FontOptions (height, style));
#else
    return juce::Font (height, style);
#endif
}

int textWidth (const juce::Font& type, const juce::String& text)
{
    juce::GlyphArrangement glyphs;
    glyphs.addLineOfText (type, text, 0, 0);
    return juce::roundToInt (std::ceil (glyphs.getBoundingBox (0, -1, true).getWidth()));
}

juce::String fromUtf8 (const std::string& text)
{
    return juce::String::fromUTF8 (text.c_str(), int (text.size()));
}

std::string toUtf8 (const juce::String& text) { return text.toStdString(); }

Look::Look()
{
    setColour (juce::TextButton::buttonColourId, colours::raised);
    setColour (juce::TextButton::textColourOffId, colours::text);
    setColour (juce::TextEditor::textColourId, colours::text);
    setColour (juce::TextEditor::backgroundColourId, colours::raised);
    setColour (juce::TextEditor::highlightColourId, colours::accent);
    setColour (juce::TextEditor::highlightedTextColourId, colours::onAccent);
    setColour (juce::CaretComponent::caretColourId, colours::accent);
    setColour (juce::PopupMenu::textColourId, colours::text);
    setColour (juce::PopupMenu::headerTextColourId, colours::dim);
    setColour (juce::PopupMenu::highlightedBackgroundColourId, colours::accent);
    setColour (juce::PopupMenu::highlightedTextColourId, colours::onAccent);
    setColour (juce::ListBox::backgroundColourId, colours::panel);
    setColour (juce::ScrollBar::thumbColourId, colours::line.brighter (0.2f));
}

void Look::drawButtonBackground (juce::Graphics& g, juce::Button& button, const juce::Colour& base,
                                 bool isOver, bool isDown)
{
    const auto box = button.getLocalBounds().toFloat().reduced (0.5f);
    const auto isPrimary = base == colours::accent;
    auto fill = base;
    if (! button.isEnabled())
        fill = isPrimary ? colours::hover : colours::panel;
    else if (isDown)
        fill = isPrimary ? base.darker (0.2f) : colours::line;
    else if (isOver)
        fill = isPrimary ? base.brighter (0.15f) : colours::hover;
    g.setColour (fill);
    g.fillRoundedRectangle (box, 6);
    const auto isFocused = button.hasKeyboardFocus (false);
    g.setColour (isFocused ? (isPrimary ? colours::text : colours::accent)
                           : (isPrimary && button.isEnabled() ? fill : colours::line));
    g.drawRoundedRectangle (box, 6, 1);
}

void Look::drawButtonText (juce::Graphics& g, juce::TextButton& button, bool, bool)
{
    const auto isPrimary = button.findColour (juce::TextButton::buttonColourId) == colours::accent;
    g.setFont (font (isPrimary ? 14.5f : 13.0f, isPrimary));
    g.setColour (button.isEnabled() ? button.findColour (juce::TextButton::textColourOffId)
                                    : colours::dim.withAlpha (0.7f));
    g.drawText (button.getButtonText(), button.getLocalBounds().reduced (8, 0),
                juce::Justification::centred, true);
}

void Look::drawToggleButton (juce::Graphics& g, juce::ToggleButton& button, bool isOver, bool)
{
    const auto area = button.getLocalBounds();
    const auto box = area.withWidth (boxSide).withSizeKeepingCentre (boxSide, boxSide).toFloat();
    const auto isOn = button.getToggleState();
    g.setColour (isOn ? colours::accent : isOver ? colours::hover : colours::raised);
    g.fillRoundedRectangle (box.reduced (0.5f), 3);
    g.setColour (isOn ? colours::accent : colours::dim);
    g.drawRoundedRectangle (box.reduced (0.5f), 3, 1);
    if (isOn)
    {
        juce::Path tick;
        tick.startNewSubPath (0.22f, 0.52f);
        tick.lineTo (0.43f, 0.72f);
        tick.lineTo (0.79f, 0.28f);
        g.setColour (colours::onAccent);
        g.strokePath (tick, juce::PathStrokeType (1.8f),
                      juce::AffineTransform::scale (boxSide).translated (box.getPosition()));
    }
    g.setColour (colours::text);
    g.setFont (boxFont());
    g.drawText (button.getButtonText(), area.withTrimmedLeft (boxSide + boxGap),
                juce::Justification::centredLeft, true);
    if (button.hasKeyboardFocus (false))
    {
        g.setColour (colours::accent);
        g.drawRoundedRectangle (area.toFloat().reduced (0.5f), 4, 1);
    }
}

void Look::fillTextEditorBackground (juce::Graphics& g, int width, int height, juce::TextEditor&)
{
    g.setColour (colours::raised);
    g.fillRoundedRectangle (juce::Rectangle<int> (width, height).toFloat().reduced (0.5f), 7);
}

void Look::drawTextEditorOutline (juce::Graphics& g, int width, int height, juce::TextEditor& edit)
{
    g.setColour (edit.hasKeyboardFocus (true) ? colours::accent : colours::line);
    g.drawRoundedRectangle (juce::Rectangle<int> (width, height).toFloat().reduced (0.5f), 7, 1);
}

void Look::drawPopupMenuBackgroundWithOptions (juce::Graphics& g, int width, int height,
                                               const juce::PopupMenu::Options&)
{
    g.fillAll (colours::raised);
    g.setColour (colours::line);
    g.drawRect (0, 0, width, height);
}

void Look::drawPopupMenuSectionHeader (juce::Graphics& g, const juce::Rectangle<int>& area,
                                       const juce::String& name)
{
    g.setFont (font (11.5f, true));
    g.setColour (colours::dim);
    g.drawText (name.toUpperCase(), area.reduced (12, 0), juce::Justification::bottomLeft);
}

juce::TextLayout Look::tooltipLayout (const juce::String& text)
{
    juce::AttributedString words;
    words.append (text, font (13), colours::text);
    juce::TextLayout layout;
    layout.createLayoutWithBalancedLineLengths (words, 340);
    return layout;
}

juce::Rectangle<int> Look::getTooltipBounds (const juce::String& text, juce::Point<int> at,
                                             juce::Rectangle<int> area)
{
    const auto layout = tooltipLayout (text);
    const auto width = int (layout.getWidth()) + 16, height = int (layout.getHeight()) + 10;
    return juce::Rectangle<int> (at.x > area.getCentreX() ? at.x - width - 10 : at.x + 16,
                                 at.y > area.getCentreY() ? at.y - height - 6 : at.y + 16, width,
                                 height)
        .constrainedWithin (area);
}

void Look::drawTooltip (juce::Graphics& g, const juce::String& text, int width, int height)
{
    g.fillAll (colours::hover);
    g.setColour (colours::dim.withAlpha (0.5f));
    g.drawRect (0, 0, width, height);
    tooltipLayout (text).draw (g, { 8, 5, float (width) - 16, float (height) - 10 });
}

void Look::drawCornerResizer (juce::Graphics& g, int width, int height, bool isOver, bool)
{
    g.setColour (isOver ? colours::text : colours::dim.withAlpha (0.6f));
    for (const auto part : { 0.45f, 0.7f })
        g.drawLine (float (width) * part, float (height) - 2, float (width) - 2,
                    float (height) * part, 1.2f);
}

void makePrimary (juce::TextButton& button)
{
    button.setColour (juce::TextButton::buttonColourId, colours::accent);
    button.setColour (juce::TextButton::textColourOffId, colours::onAccent);
}

std::unique_ptr<juce::AccessibilityHandler> accessible (juce::Component& component,
                                                        juce::AccessibilityRole role)
{
    return std::make_unique<juce::AccessibilityHandler> (component, role);
}

CheckBox::CheckBox (const juce::String& words, const juce::String& tip) : ToggleButton (words)
{
    setTitle (words);
    setTooltip (tip);
    setMouseClickGrabsKeyboardFocus (false);
}

bool CheckBox::keyPressed (const juce::KeyPress& key)
{
    if (key != juce::KeyPress::spaceKey && key != juce::KeyPress::returnKey)
        return false;
    setToggleState (! getToggleState(), juce::sendNotificationSync);
    return true;
}

int CheckBox::widthOfWords() const
{
    return boxSide + boxGap + textWidth (boxFont(), getButtonText()) + boxMargin;
}

IconButton::IconButton (const juce::String& title, const juce::String& tip, juce::Path icon)
    : Button (title), drawing (std::move (icon))
{
    setTitle (title);
    setTooltip (tip);
}

void IconButton::paintButton (juce::Graphics& g, bool isOver, bool isDown)
{
    const auto box = getLocalBounds().toFloat().reduced (0.5f);
    if (isOver || isDown)
    {
        g.setColour (isDown ? colours::line : colours::hover.brighter (0.08f));
        g.fillRoundedRectangle (box, 5);
    }
    if (hasKeyboardFocus (false))
    {
        g.setColour (colours::accent);
        g.drawRoundedRectangle (box, 5, 1);
    }
    const auto side = std::min (box.getWidth(), box.getHeight()) - 11;
    const auto square = juce::Rectangle<float> (side, side).withCentre (box.getCentre());
    g.setColour (isOver ? colours::text : colours::dim);
    g.strokePath (drawing, juce::PathStrokeType (1.3f),
                  juce::AffineTransform::scale (side).translated (square.getPosition()));
}

juce::Path IconButton::folder()
{
    juce::Path path;
    path.startNewSubPath (0, 0.9f);
    for (const auto& point : { juce::Point{ 0.0f, 0.12f },
                               { 0.36f, 0.12f },
                               { 0.48f, 0.28f },
                               { 1.0f, 0.28f },
                               { 1.0f, 0.9f } })
        path.lineTo (point);
    path.closeSubPath();
    return path;
}

juce::Path IconButton::copy()
{
    juce::Path path;
    path.addRoundedRectangle (0.26f, 0.26f, 0.7f, 0.7f, 0.1f);
    path.startNewSubPath (0.08f, 0.7f);
    for (const auto& point : { juce::Point{ 0.04f, 0.04f }, { 0.7f, 0.04f }, { 0.72f, 0.1f } })
        path.lineTo (point);
    return path;
}

} // namespace stemlasso
