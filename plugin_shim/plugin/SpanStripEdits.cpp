// What keys and the menu do with spans.

#include "SpanStrip.h"

namespace stemlasso
{

static constexpr std::size_t mostUndo = 100;

void SpanStrip::commit (view::Spans spans, int newSelected)
{
    if (! shown.isEditable)
        return;
    history.push_back (shown.spans);
    if (history.size() > mostUndo)
        history.erase (history.begin());
    shown.spans = std::move (spans);
    selected = newSelected;
    say();
    repaint();
    if (onSpans)
        onSpans (shown.spans);
}

void SpanStrip::undo()
{
    if (history.empty() || ! shown.isEditable)
        return;
    const auto before = history.back();
    commit (before, -1);
    history.resize (history.size() - 2);
}

void SpanStrip::removeSelected()
{
    if (selected < 0)
        return;
    auto spans = shown.spans;
    spans.erase (spans.begin() + selected);
    commit (std::move (spans), -1);
}

void SpanStrip::flipSelected()
{
    if (selected < 0)
        return;
    auto spans = shown.spans;
    spans[size_t (selected)].here = ! spans[size_t (selected)].here;
    commit (std::move (spans), selected);
}

void SpanStrip::step (int by)
{
    const auto count = int (shown.spans.size());
    if (count == 0)
        return;
    selected = selected < 0 ? 0 : (selected + by + count) % count;
    say();
    repaint();
}

/** Without a pointer: over the middle of what is on the screen, to be moved by keys. */
void SpanStrip::addByKey (bool here)
{
    const auto quarter = window.length() / 4;
    const auto middle = (window.startSeconds + window.endSeconds) / 2;
    const auto span =
        view::drawn (middle - quarter / 2, middle + quarter / 2, here, shown.lengthSeconds);
    if (! span || shown.spans.size() >= view::mostSpans)
        return;
    auto spans = shown.spans;
    spans.push_back (*span);
    const auto last = int (spans.size()) - 1;
    commit (std::move (spans), last);
}

void SpanStrip::nudge (double pixels, bool onlyEnd)
{
    if (selected < 0)
        return;
    auto spans = shown.spans;
    auto& span = spans[size_t (selected)];
    const auto by = window.secondsOf (pixels);
    span = onlyEnd
               ? view::resized (span, view::Part::end, span.endSeconds + by, shown.lengthSeconds)
               : view::moved (span, by, shown.lengthSeconds);
    commit (std::move (spans), selected);
}

void SpanStrip::showMenu (int index)
{
    selected = index;
    repaint();
    juce::PopupMenu menu;
    menu.setLookAndFeel (&getLookAndFeel());
    menu.addItem (1, "Change sign");
    menu.addItem (2, "Delete span");
    const auto options = juce::PopupMenu::Options()
                             .withMousePosition()
                             .withParentComponent (getParentComponent())
                             .withDeletionCheck (*this);
    menu.showMenuAsync (options,
                        [safe = SafePointer<SpanStrip> (this)] (int choice)
                        {
                            if (safe != nullptr && choice == 1)
                                safe->flipSelected();
                            else if (safe != nullptr && choice == 2)
                                safe->removeSelected();
                        });
}

} // namespace stemlasso
