#pragma once

// The stems of the clip, one lane each.

#include "Badge.h"
#include "StemLane.h"

namespace stemlasso
{

class StemShelf final : public juce::Component
{
public:
    StemShelf();
    ~StemShelf() override;

    /** place: where the stems belong on the timeline, in words. badge: how they add up. canInsert: in a
        host that takes them by itself. */
    void show (const std::vector<StemLane::Shown>&, const juce::String& place,
               const view::Line& badge, bool canInsert);

    /** Whether a stem is on its way out of this window. */
    bool isDraggingOut() const { return isDragging; }

    std::function<void()> onInsert;

    /** Of "Insert stems", beside it. */
    juce::Button& muteOriginal() { return mutes; }
    juce::Button& insertTakes() { return takes; }

    void paint (juce::Graphics&) override;
    void resized() override;
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;

private:
    class AllHandle;

    void dragOut (juce::Component& from, const juce::StringArray& files);
    juce::StringArray mainFiles() const;
    void scrollTo (const StemLane&);

    juce::Viewport viewport;
    juce::Component column;
    std::vector<std::unique_ptr<StemLane>> lanes;
    std::unique_ptr<AllHandle> all;
    juce::TextButton insert{ "Insert stems" };
    CheckBox mutes{ "Mute original", "Insert stems mutes the item that they come from, in the same "
                                     "undo step." };
    CheckBox takes{ "Insert takes",
                    "The target's item has every take that was made, to choose from "
                    "in REAPER." };
    juce::String place;
    Badge badge;
    bool isDragging = false;

    static constexpr int headingHeight = 30, boxesHeight = 24;
};

} // namespace stemlasso
