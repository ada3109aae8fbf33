#include "PromptBar.h"

namespace stemlasso
{

static constexpr int rowHeight = 38, longestDescription = 500;

// Of the menu: what an item's number means.
static constexpr int qualityItem = 100, takesItem = 200, separatorItem = 300, stereoItem = 400;

struct Choice
{
    const char *value, *words;
};

static constexpr Choice qualities[] = { { "draft", "Draft: a quick look" },
                                        { "standard", "Standard" },
                                        { "best", "Best: slow" } };
static constexpr Choice separators[] = { { "auto", "Automatic" },
                                         { "builtin", "builtin: needs no model" } };
static constexpr Choice stereos[] = { { "project", "As in the clip" },
                                      { "generated", "As the model makes it" },
                                      { "mono", "Mono" } };
static constexpr int takeCounts[] = { 1, 2, 4, 8 };

PromptBar::PromptBar()
{
    setOpaque (true);
    description.setComponentID ("description");
    description.setTitle ("Description of the sound");
    description.setTooltip ("A few plain words, such as \"dog barking\". Enter starts.");
    description.setFont (font (15));
    description.setInputRestrictions (longestDescription);
    description.setIndents (10, 0);
    description.setJustification (juce::Justification::centredLeft);
    description.setTextToShowWhenEmpty (fromUtf8 ("What is it?  dog barking, snare drum\u2026"),
                                        colours::dim);
    description.onTextChange = [this]
    {
        shown.prompt.description = toUtf8 (description.getText());
        if (onDescription)
            onDescription (shown.prompt.description);
    };
    description.onReturnKey = [this] { run(); };
    description.onEscapeKey = [this] { getParentComponent()->grabKeyboardFocus(); };
    how.setComponentID ("how");
    how.setTooltip ("Quality, takes, separator and stereo");
    how.onClick = [this] { showMenu(); };
    separate.setComponentID ("separate");
    makePrimary (separate);
    separate.onClick = [this] { run(); };
    cancel.setComponentID ("cancel");
    cancel.setTooltip ("Stops this job; nothing of it is left.");
    cancel.onClick = [this]
    {
        if (onCancel)
            onCancel();
    };
    for (auto* each : std::initializer_list<juce::Component*>{ &description, &how, &separate })
        addAndMakeVisible (each);
    addChildComponent (cancel);
}

void PromptBar::show (const Shown& newShown)
{
    const auto hasNews = newShown.work != shown.work || newShown.missing != shown.missing
                         || newShown.key != shown.key;
    const auto text = fromUtf8 (newShown.prompt.description);
    const auto isTyping = description.hasKeyboardFocus (true) && newShown.key == shown.key;
    if (text != description.getText() && ! isTyping)
        description.setText (text, false);
    shown = newShown;
    auto label = fromUtf8 (shown.options.quality);
    label = label.substring (0, 1).toUpperCase() + label.substring (1);
    if (shown.options.candidates > 1)
        label << fromUtf8 (" \u00b7 ") << shown.options.candidates << " takes";
    how.setButtonText (label + fromUtf8 ("  \u25be"));
    how.setTitle ("Options: " + label);
    separate.setVisible (! shown.work.canCancel);
    separate.setEnabled (shown.missing.empty());
    separate.setTooltip (fromUtf8 (shown.missing));
    cancel.setVisible (shown.work.canCancel);
    if (hasNews)
    {
        setTitle (fromUtf8 (line().text)); // for screen readers
        repaint (statusArea());
    }
}

void PromptBar::run()
{
    if (shown.missing.empty() && ! shown.work.canCancel && onSeparate)
        onSeparate();
}

/** What is said: how the job stands, or what to do next. */
view::Line PromptBar::line() const
{
    if (! shown.work.line.text.empty())
        return shown.work.line;
    if (! shown.missing.empty())
        return { view::Tone::quiet, shown.missing };
    return { view::Tone::quiet, "Press Enter or Separate." };
}

void PromptBar::resized()
{
    auto row = getLocalBounds().removeFromTop (rowHeight);
    separate.setBounds (row.removeFromRight (112));
    cancel.setBounds (separate.getBounds());
    row.removeFromRight (8);
    how.setBounds (row.removeFromRight (150));
    row.removeFromRight (8);
    description.setBounds (row);
}

juce::Rectangle<int> PromptBar::statusArea() const
{
    return getLocalBounds().withTrimmedTop (rowHeight + 6);
}

void PromptBar::paint (juce::Graphics& g)
{
    g.fillAll (colours::ground);
    auto area = statusArea();
    if (shown.work.fraction >= 0)
    {
        const auto bar = area.removeFromTop (5).toFloat();
        g.setColour (colours::raised);
        g.fillRoundedRectangle (bar, 2.5f);
        g.setColour (colours::accent);
        const auto share = float (juce::jlimit (0.0, 1.0, shown.work.fraction));
        g.fillRoundedRectangle (bar.withWidth (std::max (bar.getWidth() * share, 5.0f)), 2.5f);
        area.removeFromTop (3);
    }
    const auto said = line();
    auto text = fromUtf8 (said.text);
    if (shown.work.fraction > 0)
        text << fromUtf8 ("  \u00b7  ") << juce::roundToInt (100 * shown.work.fraction) << "%";
    const auto isPlain = said.tone == view::Tone::quiet || said.tone == view::Tone::busy;
    g.setColour (said.tone == view::Tone::busy ? colours::text
                 : isPlain                     ? colours::dim
                                               : colours::of (said.tone));
    g.setFont (font (13));
    g.drawFittedText (text, area.withTrimmedLeft (2), juce::Justification::centredLeft, 2, 0.9f);
}

template <std::size_t count>
static void addChoices (juce::PopupMenu& menu, const char* heading, const Choice (&choices)[count],
                        int first, const std::string& chosen)
{
    menu.addSectionHeader (heading);
    for (std::size_t i = 0; i < count; ++i)
        menu.addItem (first + int (i), choices[i].words, true, chosen == choices[i].value);
}

void PromptBar::showMenu()
{
    juce::PopupMenu menu, separatorMenu, stereoMenu;
    menu.setLookAndFeel (&getLookAndFeel());
    addChoices (menu, "Quality", qualities, qualityItem, shown.options.quality);
    menu.addSectionHeader ("Takes to choose from");
    for (const auto count : takeCounts)
        menu.addItem (takesItem + count, juce::String (count), true,
                      shown.options.candidates == count);
    menu.addSeparator();
    addChoices (separatorMenu, "Separator", separators, separatorItem, shown.options.separator);
    addChoices (stereoMenu, "Stereo", stereos, stereoItem, shown.options.stereo);
    menu.addSubMenu ("Separator", separatorMenu);
    menu.addSubMenu ("Stereo", stereoMenu);
    menu.showMenuAsync (juce::PopupMenu::Options()
                            .withTargetComponent (how)
                            .withParentComponent (getParentComponent())
                            .withDeletionCheck (*this)
                            .withMinimumWidth (how.getWidth()),
                        [safe = SafePointer<PromptBar> (this)] (int item)
                        {
                            if (safe != nullptr && item != 0)
                                safe->choose (item);
                        });
}

void PromptBar::choose (int item)
{
    auto options = shown.options;
    if (item >= stereoItem)
        options.stereo = stereos[item - stereoItem].value;
    else if (item >= separatorItem)
        options.separator = separators[item - separatorItem].value;
    else if (item >= takesItem)
        options.candidates = item - takesItem;
    else
        options.quality = qualities[item - qualityItem].value;
    if (onOptions)
        onOptions (options);
}

} // namespace stemlasso
