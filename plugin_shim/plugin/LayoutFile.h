#pragma once

#include <juce_gui_basics/juce_gui_basics.h>

namespace stemlasso
{

/** For tests that use the window as a user does: writes where things are into the file that
    STEMLASSO_EDITOR_LAYOUT names, as JSON, whenever it changes. Does nothing without it. Things are
    the components with an id, at their places in the window whose system's number is `window`. */
class LayoutFile
{
public:
    explicit LayoutFile (juce::Component&);
    void update();

private:
    juce::Component& top;
    const juce::File file;
    juce::String written;
};

} // namespace stemlasso
