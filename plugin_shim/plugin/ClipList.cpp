#include "ClipList.h"

namespace stemlasso
{

static constexpr int headingHeight = 22, removeWidth = 26;

ClipList::ClipList() : list ("Clips", this)
{
    list.setComponentID ("clips");
    list.setTitle ("Clips");
    list.setRowHeight (44);
    list.setColour (juce::ListBox::backgroundColourId, colours::panel);
    list.getViewport()->setScrollBarThickness (8);
    addChildComponent (list);
}

ClipList::~ClipList() { list.setModel (nullptr); }

void ClipList::show (const std::vector<ClipRow>& newRows, const juce::String& selectedId)
{
    const auto hasNewRows = newRows != rows;
    if (! hasNewRows && selectedId == selected)
        return;
    const auto hadAny = ! rows.empty();
    const auto hasChanged = newRows.size() != rows.size();
    rows = newRows;
    selected = selectedId;
    if (hasChanged)
        list.updateContent();
    const auto found = std::find_if (rows.begin(), rows.end(),
                                     [&] (const ClipRow& row) { return row.id == selectedId; });
    const auto index = found != rows.end() ? int (found - rows.begin()) : -1;
    juce::SparseSet<int> chosen;
    if (index >= 0)
        chosen.addRange ({ index, index + 1 });
    list.setSelectedRows (chosen, juce::dontSendNotification);
    if (index >= 0)
        list.scrollToEnsureRowIsOnscreen (index);
    list.setVisible (! rows.empty());
    list.repaint();
    if (hadAny == rows.empty())
        repaint();
}

void ClipList::resized() { list.setBounds (getLocalBounds().withTrimmedTop (headingHeight)); }

void ClipList::paint (juce::Graphics& g)
{
    g.setFont (font (11.5f, true));
    g.setColour (colours::dim);
    g.drawText ("CLIPS", getLocalBounds().removeFromTop (headingHeight),
                juce::Justification::centredLeft);
    if (! rows.empty())
        return;
    g.setFont (font (12));
    g.drawFittedText ("None yet. Capture from the track, or drop audio files onto this window.",
                      getLocalBounds().withTrimmedTop (headingHeight + 2),
                      juce::Justification::topLeft, 4, 1.0f);
}

void ClipList::paintListBoxItem (int index, juce::Graphics& g, int width, int height, bool)
{
    if (! juce::isPositiveAndBelow (index, int (rows.size())))
        return;
    const auto& row = rows[size_t (index)];
    const auto isSelected = row.id == selected;
    auto box = juce::Rectangle<int> (width, height).withTrimmedBottom (4);
    g.setColour (isSelected ? colours::hover : colours::raised);
    g.fillRoundedRectangle (box.toFloat(), 6);
    if (isSelected)
    {
        g.setColour (list.hasKeyboardFocus (true) ? colours::accent
                                                  : colours::accent.withAlpha (0.55f));
        g.drawRoundedRectangle (box.toFloat().reduced (0.5f), 6, 1);
        const auto cross = box.removeFromRight (removeWidth).toFloat().withSizeKeepingCentre (8, 8);
        g.setColour (colours::dim);
        g.drawLine ({ cross.getTopLeft(), cross.getBottomRight() }, 1.4f);
        g.drawLine ({ cross.getTopRight(), cross.getBottomLeft() }, 1.4f);
    }
    box.reduce (10, 4);
    g.setColour (colours::of (row.tone));
    g.fillEllipse (
        box.removeFromLeft (14).toFloat().withSizeKeepingCentre (7, 7).translated (-3, 0));
    g.setColour (colours::text);
    g.setFont (font (13, isSelected));
    const auto hasDetail = row.fraction >= 0 || row.detail.isNotEmpty();
    g.drawText (row.name, hasDetail ? box.removeFromTop (box.getHeight() / 2) : box,
                juce::Justification::centredLeft);
    if (row.fraction >= 0)
    {
        const auto bar = box.withSizeKeepingCentre (box.getWidth(), 4).toFloat();
        g.setColour (colours::ground);
        g.fillRoundedRectangle (bar, 2);
        g.setColour (colours::accent);
        g.fillRoundedRectangle (bar.withWidth (bar.getWidth() * float (row.fraction)), 2);
        return;
    }
    g.setColour (colours::dim);
    g.setFont (font (11.5f));
    g.drawText (row.detail, box, juce::Justification::centredLeft);
}

void ClipList::listBoxItemClicked (int index, const juce::MouseEvent& event)
{
    if (! juce::isPositiveAndBelow (index, int (rows.size())))
        return;
    const auto isOnCross = event.x > list.getVisibleRowWidth() - removeWidth;
    if (isOnCross && wasSelected && onRemove)
        onRemove (rows[size_t (index)].id);
    wasSelected = true;
}

void ClipList::selectedRowsChanged (int)
{
    const auto index = list.getSelectedRow();
    if (! juce::isPositiveAndBelow (index, int (rows.size())))
        return;
    wasSelected = rows[size_t (index)].id == selected;
    if (! wasSelected && onSelect)
        onSelect (rows[size_t (index)].id);
}

void ClipList::deleteKeyPressed (int index)
{
    if (juce::isPositiveAndBelow (index, int (rows.size())) && onRemove)
        onRemove (rows[size_t (index)].id);
}

juce::String ClipList::getNameForRow (int index)
{
    return juce::isPositiveAndBelow (index, int (rows.size()))
               ? rows[size_t (index)].name
                     + (rows[size_t (index)].detail.isEmpty() ? ""
                                                              : ", " + rows[size_t (index)].detail)
               : juce::String();
}

juce::String ClipList::getTooltipForRow (int index)
{
    return getNameForRow (index) + "\nDelete takes it off this list; its file stays.";
}

} // namespace stemlasso
