#pragma once

// The clips of this instance.

#include "Look.h"

namespace stemlasso
{

/** A row of the list. */
struct ClipRow
{
    juce::String id, name, detail;
    view::Tone tone = view::Tone::quiet; ///< of the dot
    double fraction = -1;                ///< of a job that runs; below 0: none

    bool operator== (const ClipRow&) const = default;
};

class ClipList final : public juce::Component, private juce::ListBoxModel
{
public:
    ClipList();
    ~ClipList() override;

    void show (const std::vector<ClipRow>&, const juce::String& selectedId);

    std::function<void (const juce::String& id)> onSelect, onRemove;

    void paint (juce::Graphics&) override;
    void resized() override;

private:
    int getNumRows() override { return int (rows.size()); }
    void paintListBoxItem (int row, juce::Graphics&, int width, int height, bool) override;
    void listBoxItemClicked (int row, const juce::MouseEvent&) override;
    void selectedRowsChanged (int lastRow) override;
    void deleteKeyPressed (int lastRow) override;
    juce::String getNameForRow (int row) override;
    juce::String getTooltipForRow (int row) override;

    juce::ListBox list;
    std::vector<ClipRow> rows;
    juce::String selected;
    bool wasSelected = true; ///< before the press that a click began with
};

} // namespace stemlasso
