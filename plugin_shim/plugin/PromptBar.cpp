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
    description.setBorder ({ 0, 3, 0, 9 }); // what is longer is cut here, not at the frame
    description.setIndents (7, 0);
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
    refine.setComponentID ("refine");
    refine.setTooltip ("Separates this again, in standard quality.");
    refine.onClick = [this]
    {
        if (onRefine)
            onRefine();
    };
    for (auto* each :
         std::initializer_list<juce::Component*>{ &description, &how, &separate, &status })
        addAndMakeVisible (each);
    addChildComponent (cancel);
    addChildComponent (refine);
}

void PromptBar::show (const Shown& newShown)
{
    const auto text = fromUtf8 (newShown.prompt.description);
    const auto isTyping = description.hasKeyboardFocus (true) && newShown.key == shown.key;
    if (text != description.getText() && ! isTyping)
    {
        description.setText (text, false);
        description.setCaretPosition (0); // its beginning is what is seen of it
    }
    shown = newShown;
    auto label = fromUtf8 (shown.options.quality);
    label = label.substring (0, 1).toUpperCase() + label.substring (1);
    if (shown.options.candidates > 1)
        label << fromUtf8 (" \u00b7 ") << shown.options.candidates << " takes";
    how.setButtonText (label + fromUtf8 ("  \u25be"));
    how.setTitle ("Options: " + label);
    const auto isBusy = shown.work.canCancel;
    leave (isBusy ? separate : cancel);
    separate.setVisible (! isBusy);
    separate.setEnabled (shown.missing.empty());
    separate.setTooltip (fromUtf8 (shown.missing));
    cancel.setVisible (isBusy);
    if (refine.isVisible() != shown.canRefine)
    {
        leave (refine);
        refine.setVisible (shown.canRefine);
        resized();
    }
    status.show (line(), shown.work.fraction);
}

/** Before a component goes: JUCE would give its keys to the next one, such as the description, and
    the Space that is meant for the host would be written there. */
void PromptBar::leave (juce::Component& part)
{
    if (part.isVisible() && part.hasKeyboardFocus (true))
        getParentComponent()->grabKeyboardFocus();
}

void PromptBar::run()
{
    if (! shown.missing.empty() || shown.work.canCancel || ! onSeparate)
        return;
    getParentComponent()->grabKeyboardFocus(); // the next Space is the host's
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
    auto rest = getLocalBounds().withTrimmedTop (rowHeight + 6);
    if (refine.isVisible())
        refine.setBounds (rest.removeFromRight (112).reduced (0, 2));
    status.setBounds (rest);
}

void PromptBar::paint (juce::Graphics& g) { g.fillAll (colours::ground); }

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
