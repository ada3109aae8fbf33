// What the editor shows, taken anew from processor and engine with every tick.

#include "PluginEditor.h"
#include "view/Places.h"

namespace stemlasso
{

static const juce::String dot = fromUtf8 (" \u00b7 ");

/** Without a clip the waveform's place says what to do. */
static juce::StringArray firstSteps (bool hasTransport)
{
    return { hasTransport ? "Turn Capture on and play, or drop an audio file here."
                          : "Turn Capture on, or drop an audio file here.",
             "Drag over a place where the sound is; hold Alt where it is not.",
             "Say what it is, and press Enter.", "Drag the stems onto your tracks." };
}

static std::optional<double> secondsOnTimeline (const WorkClip& clip)
{
    const auto& origin = clip.source.origin;
    if (origin.positionSamples && clip.sampleRate > 0)
        return double (*origin.positionSamples) / clip.sampleRate;
    return origin.positionSeconds;
}

static juce::String placeOf (const WorkClip& clip)
{
    return fromUtf8 (view::placeOnTimeline (secondsOnTimeline (clip), clip.musical));
}

static wire::ErrandView viewOf (const WorkClip& clip)
{
    return clip.errand != nullptr ? *clip.errand->view() : wire::ErrandView();
}

static juce::String gapOf (const WorkClip& clip)
{
    if (clip.droppedSamples <= 0 || clip.sampleRate <= 0)
        return {};
    return "has a gap of "
           + fromUtf8 (view::shortDuration (double (clip.droppedSamples) / clip.sampleRate));
}

std::optional<capture::Take> PluginEditor::openTake()
{
    const auto takes = processor.capturer().takes();
    if (takes.empty() || takes.back().isFinished)
        return {};
    return takes.back();
}

void PluginEditor::refresh()
{
    const auto take = openTake();
    if (take && take->number != takeShown)
    {
        takeShown = take->number;
        showsTake = true;
    }
    showsTake = showsTake && take;
    if (std::exchange (problemOfTake, processor.captureProblem()) != processor.captureProblem()
        && problemOfTake.isNotEmpty())
        say (problemOfTake);
    const auto* clip = showsTake ? nullptr : processor.work().selected();
    std::vector<PeakLoader::Wanted> wanted;
    if (showsTake)
        wanted.push_back ({ fromUtf8 (take->path), true });
    if (clip != nullptr)
    {
        wanted.push_back ({ fromUtf8 (clip->source.path), false });
        for (const auto& stem : clip->stems)
            wanted.push_back ({ fromUtf8 (stem.path), false });
    }
    if (! wanted.empty())
        peaks.want (wanted);
    engineBar.show (processor.work().link().view());
    captureBox.show (processor.arm().get(), take);
    showClips (take);
    showHeading (clip, take);
    showStrip (clip, take);
    showPrompt (clip);
    showStems (clip);
    useItems.setButtonText (processor.reaper().isReading() ? "Stop reading" : "Use selected items");
    if (useItems.isVisible() != processor.reaper().isThere())
    {
        useItems.setVisible (processor.reaper().isThere());
        resized();
    }
    layout.update();
}

static ClipRow rowOf (const WorkClip& clip, const wire::LinkView& link)
{
    ClipRow row{ clip.id, fromUtf8 (clip.source.name), {}, view::Tone::quiet, -1 };
    const auto work = view::workState (viewOf (clip), link);
    juce::StringArray parts;
    if (clip.sampleRate > 0)
        parts.add (fromUtf8 (view::shortDuration (clip.lengthSeconds())));
    if (clip.musical)
        parts.add (fromUtf8 (view::barAndBeat (*clip.musical)));
    else if (clip.kind == ClipKind::reaperItem)
        parts.add ("REAPER item");
    const auto gap = gapOf (clip);
    row.detail = gap.isNotEmpty() ? gap : parts.joinIntoString (dot);
    row.fraction = work.canCancel ? work.fraction : -1;
    row.tone = work.line.text.empty() && ! clip.stems.empty() ? view::Tone::good : work.line.tone;
    if (gap.isNotEmpty() && row.tone == view::Tone::quiet)
        row.tone = view::Tone::warning;
    return row;
}

void PluginEditor::showClips (const std::optional<capture::Take>& take)
{
    const auto link = processor.work().link().view();
    std::vector<ClipRow> rows;
    if (take)
        rows.push_back ({ {},
                          fromUtf8 ("Capturing\u2026"),
                          fromUtf8 (view::clockTime (
                              double (take->samples) / std::max (take->sampleRate, 1.0), 0)),
                          view::Tone::bad,
                          -1 });
    // The newest first, where the eye is.
    const auto& clips = processor.work().clips();
    for (auto clip = clips.rbegin(); clip != clips.rend(); ++clip)
        rows.push_back (rowOf (*clip, link));
    const auto* selected = processor.work().selected();
    clipList.show (rows, showsTake || selected == nullptr ? juce::String() : selected->id);
}

void PluginEditor::showHeading (const WorkClip* clip, const std::optional<capture::Take>& take)
{
    juce::String name, detail, remark;
    if (clip != nullptr)
    {
        name = fromUtf8 (clip->source.name);
        juce::StringArray parts;
        if (clip->sampleRate > 0) // or the file is gone, or only the engine reads it
            parts.add (
                fromUtf8 (view::format (clip->lengthSeconds(), clip->sampleRate, clip->channels)));
        if (const auto place = placeOf (*clip); place.isNotEmpty())
            parts.add ("at " + place);
        detail = parts.joinIntoString (dot);
        if (clip->droppedSamples > 0)
            remark = "It " + gapOf (*clip) + ".";
    }
    else if (showsTake)
    {
        const auto rate = std::max (take->sampleRate, 1.0);
        name = fromUtf8 ("Capturing\u2026");
        detail = fromUtf8 (view::format (double (take->samples) / rate, rate, take->channels));
        if (take->droppedSamples > 0)
            remark = "There is a gap already.";
    }
    if (name == heading && detail == headingDetail && remark == headingRemark)
        return;
    heading = name;
    headingDetail = detail;
    headingRemark = remark;
    setDescription ((name + "\n" + detail + "\n" + remark).trim());
    repaint (strip.getX(), strip.getY() - headingHeight, strip.getWidth(), headingHeight);
}

void PluginEditor::showStrip (const WorkClip* clip, const std::optional<capture::Take>& take)
{
    SpanStrip::Shown shown;
    if (showsTake)
    {
        shown.key = "take " + juce::String (take->number);
        shown.picture = peaks.picture (fromUtf8 (take->path));
        shown.sampleRate = take->sampleRate;
        shown.lengthSeconds = double (take->samples) / std::max (take->sampleRate, 1.0);
    }
    else if (clip != nullptr)
    {
        shown.key = clip->id;
        shown.picture = peaks.picture (fromUtf8 (clip->source.path));
        shown.sampleRate = clip->sampleRate;
        shown.lengthSeconds = clip->lengthSeconds();
        shown.spans = clip->prompt.spans;
        shown.isEditable = true;
        if (shown.picture.isUnreadable)
            shown.words = juce::File (fromUtf8 (clip->source.path)).existsAsFile()
                              ? "No picture of this format. It can be separated all the same."
                              : "The file is gone: " + fromUtf8 (clip->source.path);
    }
    else
        shown.steps = firstSteps (hasTransport);
    strip.show (shown);
}

void PluginEditor::showPrompt (const WorkClip* clip)
{
    PromptBar::Shown shown;
    if (clip != nullptr)
    {
        shown.key = clip->id;
        shown.prompt = clip->prompt;
        shown.options = clip->options;
        shown.work = view::workState (viewOf (*clip), processor.work().link().view());
        shown.canRefine =
            clip->options.quality == "draft" && ! clip->stems.empty() && ! shown.work.canCancel;
    }
    shown.missing = showsTake ? std::string ("Stop capturing to separate it.")
                              : view::missing (shown.prompt, clip != nullptr);
    if (notice.isNotEmpty() && ! shown.work.canCancel)
        shown.work.line = { processor.reaper().isReading() ? view::Tone::busy : view::Tone::warning,
                            toUtf8 (notice) };
    promptBar.show (shown);
}

void PluginEditor::showStems (const WorkClip* clip)
{
    std::vector<StemLane::Shown> lanes;
    juce::String place;
    view::Line badge;
    if (clip != nullptr)
    {
        place = placeOf (*clip);
        badge = view::nullBadge (viewOf (*clip), clip->stems);
        for (const auto& stem : clip->stems)
            lanes.push_back ({ stem, fromUtf8 (view::shortName (stem, clip->source.name)),
                               peaks.picture (fromUtf8 (stem.path)), place });
    }
    shelf.show (lanes, place, badge, processor.reaper().isThere());
}

} // namespace stemlasso
