#include "LayoutFile.h"

namespace stemlasso
{

static void collect (juce::Component& part, juce::Component& top, juce::DynamicObject& parts)
{
    if (! part.isVisible())
        return;
    if (part.getComponentID().isNotEmpty())
    {
        const auto box = top.getLocalArea (&part, part.getLocalBounds());
        auto* about = new juce::DynamicObject();
        about->setProperty ("x", box.getX());
        about->setProperty ("y", box.getY());
        about->setProperty ("width", box.getWidth());
        about->setProperty ("height", box.getHeight());
        about->setProperty ("enabled", part.isEnabled());
        about->setProperty ("title", part.getTitle());
        about->setProperty ("description", part.getDescription());
        about->setProperty ("focused", part.hasKeyboardFocus (false));
        if (const auto* button = dynamic_cast<juce::Button*> (&part))
            about->setProperty ("on", button->getToggleState());
        if (const auto* edit = dynamic_cast<juce::TextEditor*> (&part))
            about->setProperty ("text", edit->getText());
        parts.setProperty (part.getComponentID(), juce::var (about));
    }
    for (auto* child : part.getChildren())
        collect (*child, top, parts);
}

LayoutFile::LayoutFile (juce::Component& component)
    : top (component),
      file (juce::SystemStats::getEnvironmentVariable ("STEMLASSO_EDITOR_LAYOUT", {}))
{
}

void LayoutFile::update()
{
    auto* peer = top.getPeer();
    if (file == juce::File() || peer == nullptr)
        return;
    juce::DynamicObject::Ptr all = new juce::DynamicObject(), parts = new juce::DynamicObject();
    collect (top, top, *parts);
    const auto place = top.getLocalPoint (nullptr, peer->localToGlobal (juce::Point<int>()));
    all->setProperty ("window", juce::int64 (juce::pointer_sized_int (peer->getNativeHandle())));
    all->setProperty ("left", -place.x);
    all->setProperty ("top", -place.y);
    // of the screen, and of the host where it says one
    all->setProperty ("scale",
                      peer->getPlatformScaleFactor()
                          * double (juce::Component::getApproximateScaleFactorForComponent (&top)));
    all->setProperty ("parts", juce::var (parts.get()));
    const auto text = juce::JSON::toString (juce::var (all.get()), true);
    if (text == written)
        return;
    written = text;
    file.replaceWithText (text); // through a temporary file: a reader never sees half of it
}

} // namespace stemlasso
