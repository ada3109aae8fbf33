#include "StemShelf.h"

namespace stemlasso
{

static constexpr int laneHeight = 46, dragPixels = 6, wordWidth = 56;

/** Drags target and residual out together. */
class StemShelf::AllHandle final : public juce::Component, public juce::SettableTooltipClient
{
public:
    explicit AllHandle (StemShelf& shelf) : owner (shelf)
    {
        setMouseCursor (juce::MouseCursor::DraggingHandCursor);
        setTitle ("Drag both");
        setTooltip ("Drag onto the DAW: target and residual, a track each");
    }

    void paint (juce::Graphics& g) override
    {
        const auto box = getLocalBounds().toFloat().reduced (0.5f);
        g.setColour (isMouseOver() ? colours::hover : colours::raised);
        g.fillRoundedRectangle (box, 6);
        g.setColour (colours::line);
        g.drawRoundedRectangle (box, 6, 1);
        g.setColour (colours::dim);
        for (int i = 0; i < 6; ++i)
            g.fillEllipse (9.0f + 5 * float (i % 2), box.getCentreY() + 5 * float (i / 2 - 1) - 1,
                           2.2f, 2.2f);
        g.setColour (colours::text);
        g.setFont (font (12.5f));
        g.drawText ("Drag both", getLocalBounds().withTrimmedLeft (24),
                    juce::Justification::centredLeft);
    }

    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override
    {
        return accessible (*this, juce::AccessibilityRole::image);
    }
    void mouseEnter (const juce::MouseEvent&) override { repaint(); }
    void mouseExit (const juce::MouseEvent&) override { repaint(); }
    void mouseUp (const juce::MouseEvent&) override { hasBegun = false; }

    void mouseDrag (const juce::MouseEvent& event) override
    {
        if (hasBegun || event.getDistanceFromDragStart() < dragPixels)
            return;
        hasBegun = true;
        owner.dragOut (*this, owner.mainFiles());
    }

private:
    StemShelf& owner;
    bool hasBegun = false;
};

StemShelf::StemShelf() : all (std::make_unique<AllHandle> (*this))
{
    setOpaque (true);
    setTitle ("Stems");
    insert.setComponentID ("insert");
    insert.setTooltip ("New tracks under the original, at its place; one undo step.");
    insert.onClick = [this]
    {
        if (onInsert)
            onInsert();
    };
    all->setComponentID ("all");
    addChildComponent (*all);
    addChildComponent (insert);
    badge.setComponentID ("null");
    badge.setTooltip (
        "Target and residual together are the clip, to the last bit where it says so: "
        "with the original's phase inverted, silence.");
    addChildComponent (badge);
    mutes.setComponentID ("mute");
    takes.setComponentID ("takes");
    addChildComponent (mutes);
    addChildComponent (takes);
    viewport.setViewedComponent (&column, false);
    viewport.setScrollBarsShown (true, false);
    viewport.setScrollBarThickness (8);
    viewport.setWantsKeyboardFocus (false); // the lanes do
    addAndMakeVisible (viewport);
}

StemShelf::~StemShelf() = default;

void StemShelf::show (const std::vector<StemLane::Shown>& stems, const juce::String& newPlace,
                      const view::Line& newBadge, bool canInsert)
{
    auto isOther = badge.show (newBadge);
    isOther = isOther || stems.size() != lanes.size() || newPlace != place
              || insert.isVisible() != (canInsert && ! stems.empty());
    // Not while one is dragged: its component holds the drag.
    if (stems.size() < lanes.size() && ! isDragging)
        lanes.resize (stems.size());
    while (lanes.size() < stems.size())
    {
        auto lane = std::make_unique<StemLane> ("stem " + juce::String (lanes.size()));
        lane->onDrag = [this] (StemLane& dragged)
        { dragOut (dragged, { fromUtf8 (dragged.stem().path) }); };
        lane->onFocus = [this] (StemLane& focused) { scrollTo (focused); };
        column.addAndMakeVisible (*lane);
        lanes.push_back (std::move (lane));
    }
    for (std::size_t i = 0; i < std::min (stems.size(), lanes.size()); ++i)
        lanes[i]->show (stems[i]);
    place = newPlace;
    all->setVisible (stems.size() > 1);
    for (auto* each : std::initializer_list<juce::Component*>{ &insert, &mutes, &takes })
        each->setVisible (canInsert && ! stems.empty());
    if (isOther)
    {
        resized();
        repaint();
    }
}

void StemShelf::scrollTo (const StemLane& lane)
{
    const auto top = viewport.getViewPositionY(), height = viewport.getViewHeight();
    if (lane.getY() < top)
        viewport.setViewPosition (0, lane.getY());
    else if (lane.getBottom() > top + height)
        viewport.setViewPosition (0, lane.getBottom() - height);
}

juce::StringArray StemShelf::mainFiles() const
{
    juce::StringArray files;
    for (const auto& lane : lanes)
        if (lane->stem().role != "candidate")
            files.add (fromUtf8 (lane->stem().path));
    return files;
}

void StemShelf::dragOut (juce::Component& from, const juce::StringArray& files)
{
    isDragging = true;
    const auto ended = [safe = SafePointer<StemShelf> (this)]
    {
        if (safe != nullptr)
            safe->isDragging = false;
    };
    if (! juce::DragAndDropContainer::performExternalDragDropOfFiles (files, false, &from, ended))
        isDragging = false;
}

void StemShelf::resized()
{
    auto area = getLocalBounds();
    auto heading = area.removeFromTop (headingHeight).reduced (0, 2);
    all->setBounds (heading.removeFromRight (92));
    badge.setBounds (heading.withTrimmedLeft (wordWidth).withWidth (badge.widthOfWords()));
    heading.removeFromRight (8);
    insert.setBounds (heading.removeFromRight (104));
    if (insert.isVisible())
    {
        auto boxes = area.removeFromTop (boxesHeight).reduced (0, 2);
        for (auto* each : { &takes, &mutes })
        {
            each->setBounds (boxes.removeFromRight (each->widthOfWords()));
            boxes.removeFromRight (10);
        }
    }
    viewport.setBounds (area);
    const auto height = laneHeight * int (lanes.size());
    column.setSize (area.getWidth() - (height > area.getHeight() ? 10 : 0), height);
    auto rows = column.getLocalBounds();
    for (const auto& lane : lanes)
        lane->setBounds (rows.removeFromTop (laneHeight));
}

void StemShelf::paint (juce::Graphics& g)
{
    g.fillAll (colours::ground);
    auto heading = getLocalBounds().removeFromTop (headingHeight);
    g.setFont (font (11.5f, true));
    g.setColour (colours::dim);
    g.drawText ("STEMS", heading.removeFromLeft (wordWidth), juce::Justification::centredLeft);
    if (badge.isVisible())
        heading.setLeft (badge.getRight() + 10);
    g.setFont (font (12));
    const auto left = heading.withRight (insert.isVisible() ? insert.getX() - 8 : all->getX() - 8);
    if (lanes.empty())
        g.drawText ("They appear here. Drag one straight onto a track.", heading,
                    juce::Justification::centredLeft);
    else
        g.drawText (place.isEmpty() ? "Drag one onto a track."
                                    : "Drag one onto a track, to " + place,
                    left, juce::Justification::centredLeft);
}

std::unique_ptr<juce::AccessibilityHandler> StemShelf::createAccessibilityHandler()
{
    return accessible (*this, juce::AccessibilityRole::group);
}

} // namespace stemlasso
