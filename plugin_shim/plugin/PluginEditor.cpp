#include "PluginEditor.h"

namespace stemlasso
{

static constexpr int ticksPerSecond = 20;
static constexpr int leastWidth = 680, leastHeight = 440, mostWidth = 2400, mostHeight = 1600;
static constexpr int headHeight = 44, sideWidth = 200, margin = 12, gap = 12;

/** A click on a button takes the keys from nobody: Space goes on to start and stop the host. */
static void leaveKeysToTheHost (juce::Component& part)
{
    if (dynamic_cast<juce::Button*> (&part) != nullptr)
        part.setMouseClickGrabsKeyboardFocus (false);
    for (auto* child : part.getChildren())
        leaveKeysToTheHost (*child);
}

PluginEditor::PluginEditor (PluginProcessor& owner)
    : AudioProcessorEditor (owner), processor (owner)
{
    setLookAndFeel (&look);
    setOpaque (true);
    setComponentID ("editor");
    setTitle ("StemLasso");
    strip.setComponentID ("strip");
    engineBar.setComponentID ("engine");
    shelf.setComponentID ("stems");
    useItems.setComponentID ("use");
    useItems.setTooltip ("Makes clips of the items that are selected in REAPER");
    for (auto* view : std::initializer_list<juce::Component*>{ &engineBar, &captureBox, &clipList,
                                                               &strip, &promptBar, &shelf })
        addAndMakeVisible (view);
    addChildComponent (useItems);
    connect();
    setWantsKeyboardFocus (true); // for what is written nowhere and belongs to the host
    int order = 0;
    for (auto* view : std::initializer_list<juce::Component*>{
             &engineBar, &captureBox, &clipList, &useItems, &strip, &promptBar, &shelf })
        view->setExplicitFocusOrder (++order);
    addMouseListener (this, true);
    processor.work().addChangeListener (this);
    processor.reaper().addChangeListener (this);
    processor.work().link().watch();
    leaveKeysToTheHost (*this);
    setResizable (true, true);
    setResizeLimits (leastWidth, leastHeight, mostWidth, mostHeight);
    setSize (920, 580);
    refresh();
    startTimerHz (ticksPerSecond);
}

PluginEditor::~PluginEditor()
{
    stopTimer();
    removeMouseListener (this);
    // The release of the button that drags a stem comes to nobody, and JUCE would take it for held
    // down, and miss the first press in the next window.
    if (shelf.isDraggingOut())
        juce::ModifierKeys::currentModifiers =
            juce::ModifierKeys::currentModifiers.withoutMouseButtons();
    juce::PopupMenu::dismissAllActiveMenus(); // they are drawn with this editor's look
    processor.reaper().removeChangeListener (this);
    processor.work().removeChangeListener (this);
    setLookAndFeel (nullptr);
}

void PluginEditor::connect()
{
    auto& work = processor.work();
    engineBar.onStart = [&work] { work.link().startEngine(); };
    engineBar.onPanel = [this] { openPanel(); };
    captureBox.onArm = [this] (bool isOn)
    {
        auto& arm = processor.arm();
        arm.beginChangeGesture();
        arm = isOn;
        arm.endChangeGesture();
        refresh();
    };
    clipList.onSelect = [this] (const juce::String& id) { selectClip (id); };
    clipList.onRemove = [this, &work] (const juce::String& id)
    {
        say ({});
        work.remove (id);
    };
    useItems.onClick = [this]
    {
        auto& reaper = processor.reaper();
        reaper.isReading() ? reaper.cancelReading() : reaper.useSelectedItems();
    };
    strip.onSpans = [this, &work] (const view::Spans& spans)
    {
        say ({});
        if (const auto* clip = work.selected())
            work.setPrompt ({ clip->prompt.description, spans });
        refresh();
    };
    promptBar.onDescription = [this, &work] (const std::string& description)
    {
        say ({});
        if (const auto* clip = work.selected())
            work.setPrompt ({ description, clip->prompt.spans });
        refresh();
    };
    promptBar.onOptions = [this, &work] (const wire::JobOptions& options)
    {
        work.setOptions (options);
        refresh();
    };
    promptBar.onSeparate = [this, &work]
    {
        say ({});
        work.separate();
        refresh();
    };
    promptBar.onRefine = [this, &work]
    {
        say ({});
        if (const auto* clip = work.selected())
        {
            auto options = clip->options;
            options.quality = "standard";
            work.setOptions (options);
            work.separate();
        }
        refresh();
    };
    promptBar.onCancel = [this, &work]
    {
        work.cancel();
        refresh();
    };
    shelf.onInsert = [this] { processor.reaper().insertStems(); };
}

void PluginEditor::changeListenerCallback (juce::ChangeBroadcaster* source)
{
    if (source == &processor.reaper())
        say (processor.reaper().words());
    refresh();
}

void PluginEditor::timerCallback()
{
    processor.poll();
    giveFocus();
    lookAfterPanel();
    refresh();
}

void PluginEditor::say (const juce::String& words) { notice = words; }

void PluginEditor::selectClip (const juce::String& id)
{
    showsTake = id.isEmpty();
    say ({});
    if (! showsTake)
        processor.work().select (id);
    refresh();
}

void PluginEditor::openPanel()
{
    const auto* clip = processor.work().selected();
    std::string words, id;
    if (clip != nullptr && clip->errand != nullptr)
    {
        id = clip->errand->clipId();
        if (id.empty())
            clip->errand->offer(); // so that the panel finds it on its shelf
    }
    if (! processor.work().link().openPanel (id, words))
        say (fromUtf8 (words.empty() ? "The panel could not be started." : words));
    else
        panelTicks = 60 * ticksPerSecond;
    refresh();
}

/** A panel that cannot run ends by itself; what it said then is shown here. */
void PluginEditor::lookAfterPanel()
{
    if (panelTicks == 0 || --panelTicks % ticksPerSecond != 0)
        return;
    const auto words = processor.work().link().panelTrouble();
    if (words.empty())
        return;
    panelTicks = 0;
    say ("The panel did not open: " + fromUtf8 (words));
}

/** Of everything in this window. */
void PluginEditor::mouseUp (const juce::MouseEvent& event)
{
    clicked = event.eventComponent;
    while (clicked != nullptr && clicked != this
           && ! (clicked->getWantsKeyboardFocus() && clicked->getMouseClickGrabsKeyboardFocus()))
        clicked = clicked->getParentComponent();
    if (clicked == this && hasKeyboardFocus (true))
        grabKeyboardFocus(); // from the description: what is typed now is not meant for it
    focusTicks = clicked != this ? ticksPerSecond / 4 : 0;
}

/** Where the window manager gives the focus to the host's window with every click, JUCE hands it
    back, a moment later, to what had it before and not to what was clicked. */
void PluginEditor::giveFocus()
{
    if (focusTicks == 0 || --focusTicks == 0 || clicked == nullptr)
        return;
    if (clicked->isShowing() && ! clicked->hasKeyboardFocus (true)
        && ! clicked->isCurrentlyBlockedByAnotherModalComponent())
        clicked->grabKeyboardFocus();
}

bool PluginEditor::isInterestedInFileDrag (const juce::StringArray&)
{
    return ! shelf.isDraggingOut();
}

void PluginEditor::fileDragEnter (const juce::StringArray&, int, int)
{
    isFileOver = true;
    repaint();
}

void PluginEditor::fileDragExit (const juce::StringArray&)
{
    isFileOver = false;
    repaint();
}

void PluginEditor::filesDropped (const juce::StringArray& files, int, int)
{
    isFileOver = false;
    juce::StringArray refusals;
    for (const auto& path : files)
    {
        WorkClip clip;
        clip.kind = ClipKind::file;
        clip.source.path = toUtf8 (path);
        clip.source.name = toUtf8 (juce::File (path).getFileNameWithoutExtension());
        refusals.add (processor.work().add (std::move (clip)));
    }
    refusals.removeEmptyStrings();
    showsTake = false;
    say (refusals.joinIntoString (" "));
    refresh();
    repaint();
}

void PluginEditor::paint (juce::Graphics& g)
{
    g.fillAll (colours::ground);
    const auto side =
        getLocalBounds().withTrimmedTop (headHeight).removeFromLeft (sideWidth + margin);
    g.setColour (colours::panel);
    g.fillRect (side);
    g.setColour (colours::line);
    g.fillRect (side.withLeft (side.getRight() - 1));
    auto row = strip.getBounds().withHeight (headingHeight).translated (0, -headingHeight);
    g.setFont (font (14.5f, true));
    g.setColour (colours::text);
    // The name may be long, and stands in the list as well: it gives way.
    const auto widthOf = [] (const juce::String& words)
    { return words.isEmpty() ? 0 : textWidth (font (12.5f), words) + gap; };
    const auto others = widthOf (headingDetail) + widthOf (headingRemark);
    const auto nameWidth = std::min (textWidth (font (14.5f, true), heading) + 2,
                                     std::max (row.getWidth() - others, row.getWidth() / 3));
    g.drawText (heading, row.removeFromLeft (nameWidth), juce::Justification::centredLeft);
    g.setFont (font (12.5f));
    row.removeFromLeft (gap);
    g.setColour (colours::warning);
    g.drawText (headingRemark,
                row.removeFromRight (std::min (widthOf (headingRemark), row.getWidth() / 2)),
                juce::Justification::centredRight);
    g.setColour (colours::dim);
    g.drawText (headingDetail, row, juce::Justification::centredLeft);
}

void PluginEditor::paintOverChildren (juce::Graphics& g)
{
    if (! isFileOver)
        return;
    g.setColour (colours::accent.withAlpha (0.12f));
    g.fillAll();
    g.setColour (colours::accent);
    g.drawRect (getLocalBounds(), 2);
}

void PluginEditor::resized()
{
    auto area = getLocalBounds();
    engineBar.setBounds (area.removeFromTop (headHeight));
    auto side = area.removeFromLeft (sideWidth + margin).reduced (margin, margin);
    captureBox.setBounds (side.removeFromTop (80));
    side.removeFromTop (8);
    if (useItems.isVisible())
        useItems.setBounds (side.removeFromBottom (32));
    clipList.setBounds (side);
    area.reduce (margin, 8);
    area.removeFromTop (headingHeight);
    // What is left is the waveform's and the lanes': two lanes are always seen.
    const auto shelfHeight = std::max (30 + 2 * 46, area.getHeight() * 36 / 100);
    shelf.setBounds (area.removeFromBottom (shelfHeight));
    area.removeFromBottom (4);
    promptBar.setBounds (area.removeFromBottom (38 + 6 + 30));
    area.removeFromBottom (8);
    strip.setBounds (area);
}

} // namespace stemlasso
