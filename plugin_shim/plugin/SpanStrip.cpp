#include "SpanStrip.h"

#include "Look.h"
#include "view/Places.h"

namespace stemlasso
{

static constexpr int clickPixels = 3;
static constexpr double snapPixels = 8, zoomPerNotch = 0.82, keyPixels = 8;

SpanStrip::SpanStrip()
{
    setOpaque (true);
    setWantsKeyboardFocus (true);
    addAndMakeVisible (wave);
    setTitle ("Waveform with spans");
    setTooltip ("Drag where the sound is. Alt+drag or right-drag where it is not. X changes a "
                "span's sign, Delete removes it, the wheel zooms.");
}

void SpanStrip::show (const Shown& newShown)
{
    if (newShown.key != shown.key)
    {
        gesture.reset();
        panFrom.reset();
        history.clear();
        selected = hovered = -1;
        window = view::TimeWindow::whole (newShown.lengthSeconds, wave.getWidth());
    }
    const auto hasNews = newShown.key != shown.key || newShown.spans != shown.spans
                         || newShown.isEditable != shown.isEditable
                         || newShown.steps != shown.steps;
    shown = newShown;
    selected = std::min (selected, int (shown.spans.size()) - 1);
    const auto bin = double (view::Peaks::binSamples) / std::max (shown.sampleRate, 1.0);
    window.leastSeconds = std::max (bin * window.width / 4, 0.02);
    setWindow (window.withDuration (shown.lengthSeconds));
    refreshPicture();
    wave.setVisible (shown.steps.isEmpty());
    if (hasNews)
    {
        say();
        repaint();
    }
}

void SpanStrip::refreshPicture()
{
    wave.show (shown.picture, window, shown.sampleRate, colours::mixture, shown.words);
}

void SpanStrip::setWindow (const view::TimeWindow& newWindow)
{
    if (newWindow == window)
        return;
    window = newWindow;
    refreshPicture();
    repaint();
}

/** What a screen reader reads. */
void SpanStrip::say()
{
    auto title = "Waveform, " + juce::String (shown.spans.size()) + " spans";
    if (selected >= 0)
    {
        const auto& span = shown.spans[size_t (selected)];
        title << ", selected: " << (span.here ? "here" : "not here") << " from "
              << fromUtf8 (view::clockTime (span.startSeconds)) << " to "
              << fromUtf8 (view::clockTime (span.endSeconds));
    }
    setTitle (title);
}

std::unique_ptr<juce::AccessibilityHandler> SpanStrip::createAccessibilityHandler()
{
    return accessible (*this, juce::AccessibilityRole::image);
}

void SpanStrip::resized()
{
    wave.setBounds (getLocalBounds().withTrimmedTop (rulerHeight));
    setWindow (window.withWidth (wave.getWidth()));
    refreshPicture();
}

std::optional<view::Hit> SpanStrip::hit (juce::Point<float> at) const
{
    if (at.y < rulerHeight)
        return {};
    return view::hitTest (shown.spans, selected, window, at.x);
}

/** Control turns snapping off while a span is drawn. */
double SpanStrip::reach (const juce::ModifierKeys& keys) const
{
    return keys.isCtrlDown() ? 0 : window.secondsOf (snapPixels);
}

void SpanStrip::mouseDown (const juce::MouseEvent& event)
{
    if (! shown.isEditable || gesture)
        return;
    isPressed = true;
    if (event.mods.isMiddleButtonDown())
        panFrom = window;
    else if (const auto found = hit (event.position); found || selected >= 0)
    {
        selected = found ? found->index : -1;
        say();
        repaint();
    }
}

void SpanStrip::beginGesture (const juce::MouseEvent& event)
{
    const auto start = window.secondsAt (event.mouseDownPosition.x);
    const auto found = hit (event.mouseDownPosition);
    const auto wantsMinus = event.mods.isAltDown() || event.mods.isRightButtonDown();
    if (found && ! wantsMinus)
        gesture = view::SpanGesture::drag (shown.spans, *found, start, shown.lengthSeconds);
    else
        gesture = view::SpanGesture::draw (shown.spans, start, ! wantsMinus, shown.lengthSeconds,
                                           reach (event.mods));
}

void SpanStrip::mouseDrag (const juce::MouseEvent& event)
{
    if (! isPressed)
        return;
    if (panFrom)
    {
        setWindow (panFrom->scrolled (panFrom->secondsOf (-event.getOffsetFromDragStart().x)));
        return;
    }
    if (! gesture && std::abs (event.getDistanceFromDragStartX()) < clickPixels)
        return;
    if (! gesture)
        beginGesture (event);
    gesture->move (window.secondsAt (event.position.x), reach (event.mods));
    repaint();
}

void SpanStrip::mouseUp (const juce::MouseEvent& event)
{
    isPressed = false;
    panFrom.reset();
    if (gesture)
    {
        const auto ended = *gesture;
        gesture.reset();
        if (ended.hasChanged())
            commit (ended.spans(), ended.index());
        repaint();
    }
    else if (shown.isEditable && event.mods.isRightButtonDown())
        if (const auto found = hit (event.position))
            showMenu (found->index);
}

void SpanStrip::mouseMove (const juce::MouseEvent& event)
{
    const auto found = shown.isEditable ? hit (event.position) : std::nullopt;
    const auto index = found ? found->index : -1;
    if (index != hovered)
    {
        hovered = index;
        repaint();
    }
    using Cursor = juce::MouseCursor;
    setMouseCursor (! shown.isEditable                ? Cursor::NormalCursor
                    : ! found                         ? Cursor::IBeamCursor
                    : found->part == view::Part::body ? Cursor::DraggingHandCursor
                                                      : Cursor::LeftRightResizeCursor);
}

void SpanStrip::mouseExit (const juce::MouseEvent&)
{
    hovered = -1;
    repaint();
}

void SpanStrip::mouseWheelMove (const juce::MouseEvent& event, const juce::MouseWheelDetails& wheel)
{
    const auto isSideways = std::abs (wheel.deltaX) > std::abs (wheel.deltaY);
    if (isSideways || event.mods.isShiftDown())
        setWindow (
            window.scrolled (-(isSideways ? wheel.deltaX : wheel.deltaY) * window.length() * 0.32));
    else
        setWindow (window.zoomed (std::pow (zoomPerNotch, wheel.deltaY * 4),
                                  window.secondsAt (event.position.x)));
}

void SpanStrip::mouseMagnify (const juce::MouseEvent& event, float factor)
{
    setWindow (window.zoomed (1.0 / std::max (factor, 0.01f), window.secondsAt (event.position.x)));
}

bool SpanStrip::keyPressed (const juce::KeyPress& key)
{
    const auto letter = juce::CharacterFunctions::toLowerCase (key.getTextCharacter());
    const auto middle = (window.startSeconds + window.endSeconds) / 2;
    const auto keys = key.getModifiers();
    if (key == juce::KeyPress::escapeKey && gesture)
    {
        gesture.reset();
        isPressed = false;
        repaint();
    }
    else if (key.getKeyCode() == juce::KeyPress::leftKey
             || key.getKeyCode() == juce::KeyPress::rightKey)
    {
        const auto way = key.getKeyCode() == juce::KeyPress::leftKey ? -1 : 1;
        if (keys.isAltDown() || keys.isShiftDown())
            nudge (way * keyPixels, keys.isShiftDown());
        else
            setWindow (window.scrolled (way * 0.1 * window.length()));
    }
    else if (key == juce::KeyPress ('z', juce::ModifierKeys::commandModifier, 0))
        undo();
    else if (keys.isCommandDown() || keys.isAltDown())
        return false;
    else if (key == juce::KeyPress::deleteKey || key == juce::KeyPress::backspaceKey)
        removeSelected();
    else if (letter == 'x')
        flipSelected();
    else if (letter == ']' || letter == '[')
        step (letter == ']' ? 1 : -1);
    else if (letter == 'a' || letter == 'd')
        addByKey (letter == 'a');
    else if (letter == 'f')
        setWindow (window.zoomed (1e9, 0));
    else if (letter == '+' || letter == '=' || letter == '-')
        setWindow (window.zoomed (letter == '-' ? 1 / 0.7 : 0.7, middle));
    else
        return false; // the host may want it, such as Space
    return true;
}

} // namespace stemlasso
