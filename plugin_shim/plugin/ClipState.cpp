#include "ClipState.h"

#include "StemPlan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace stemlasso
{

namespace
{
constexpr int mostSpans = 256, mostStems = 64;
constexpr int mostText = 4096;
const std::array<const char*, 3> kinds{ "captured", "reaperItem", "file" };

juce::String toText (const std::string& text) { return juce::String::fromUTF8 (text.c_str()); }

/** With every digit, so that it comes back as it was. */
juce::String toText (double number)
{
    std::array<char, 40> text{};
    std::snprintf (text.data(), text.size(), "%.17g", number);
    return text.data();
}

/** Reads properties; remembers when one of them was damaged. */
struct Reader
{
    const juce::ValueTree& tree;
    bool isWhole = true;

    std::string text (const char* name, const char* otherwise = "", int most = mostText)
    {
        const auto value = tree.getProperty (name, otherwise).toString();
        isWhole = isWhole && value.getNumBytesAsUTF8() <= size_t (most);
        return value.toStdString();
    }

    double number (const char* name, double otherwise = 0)
    {
        const auto value =
            tree.hasProperty (name) ? tree[name].toString().getDoubleValue() : otherwise;
        isWhole = isWhole && std::isfinite (value);
        return value;
    }

    std::int64_t count (const char* name, std::int64_t least, std::int64_t otherwise = 0)
    {
        const auto value = tree.hasProperty (name)
                               ? std::int64_t (tree[name].toString().getLargeIntValue())
                               : otherwise;
        isWhole = isWhole && value >= least;
        return value;
    }

    bool flag (const char* name, bool otherwise)
    {
        return tree.hasProperty (name) ? tree[name].toString().getIntValue() != 0 : otherwise;
    }
};

/** The child of this name, made when there is none; what else is in it stays. */
juce::ValueTree childOf (juce::ValueTree& tree, const char* name)
{
    return tree.getOrCreateChildWithName (name, nullptr);
}

void removeAll (juce::ValueTree& tree, const char* name)
{
    for (int i = tree.getNumChildren(); --i >= 0;)
        if (tree.getChild (i).hasType (name))
            tree.removeChild (i, nullptr);
}

void put (juce::ValueTree& tree, const char* name, const juce::var& value)
{
    tree.setProperty (name, value, nullptr);
}

void saveOrigin (juce::ValueTree& tree, const wire::Origin& origin)
{
    put (tree, "host", toText (origin.host));
    put (tree, "project", toText (origin.project));
    put (tree, "track", toText (origin.track));
    if (origin.positionSeconds)
        put (tree, "positionSeconds", toText (*origin.positionSeconds));
    if (origin.positionSamples)
        put (tree, "positionSamples", juce::int64 (*origin.positionSamples));
    if (origin.tempoBpm)
        put (tree, "tempoBpm", toText (*origin.tempoBpm));
}

wire::Origin restoreOrigin (const juce::ValueTree& tree, bool& isWhole)
{
    Reader read{ tree };
    wire::Origin origin{ read.text ("host"), read.text ("project"), read.text ("track"), {}, {} };
    if (tree.hasProperty ("positionSeconds"))
        origin.positionSeconds = read.number ("positionSeconds");
    if (tree.hasProperty ("positionSamples"))
        origin.positionSamples = read.count ("positionSamples", -(1LL << 53));
    if (const auto tempo = read.number ("tempoBpm"); tempo > 0 && tempo <= 1000)
        origin.tempoBpm = tempo;
    isWhole = isWhole && read.isWhole;
    return origin;
}

void savePrompt (juce::ValueTree& tree, const wire::Prompt& prompt)
{
    put (tree, "description", toText (prompt.description));
    removeAll (tree, "Span");
    for (const auto& span : prompt.spans)
        tree.appendChild (juce::ValueTree ("Span", { { "start", toText (span.startSeconds) },
                                                     { "end", toText (span.endSeconds) },
                                                     { "here", span.here ? 1 : 0 } }),
                          nullptr);
}

wire::Prompt restorePrompt (const juce::ValueTree& tree)
{
    Reader read{ tree };
    wire::Prompt prompt{ read.text ("description"), {} };
    if (! read.isWhole)
        prompt.description.clear();
    for (const auto& each : tree)
    {
        Reader span{ each };
        const auto start = span.number ("start"), end = span.number ("end");
        if (each.hasType ("Span") && span.isWhole && start >= 0 && end > start
            && prompt.spans.size() < mostSpans)
            prompt.spans.push_back ({ start, end, span.flag ("here", true) });
    }
    return prompt;
}

void saveOptions (juce::ValueTree& tree, const wire::JobOptions& options)
{
    put (tree, "separator", toText (options.separator));
    put (tree, "quality", toText (options.quality));
    put (tree, "candidates", options.candidates);
    put (tree, "seed", juce::int64 (options.seed));
    put (tree, "stereo", toText (options.stereo));
    put (tree, "residual", toText (options.residual));
    put (tree, "presenceGate", toText (options.presenceGate));
    put (tree, "outputFolder", toText (options.outputFolder));
    put (tree, "allowOverwrite", options.allowOverwrite ? 1 : 0);
}

wire::JobOptions restoreOptions (const juce::ValueTree& tree)
{
    const wire::JobOptions usual;
    Reader read{ tree };
    wire::JobOptions options;
    options.separator = read.text ("separator", usual.separator.c_str(), 64);
    options.quality = read.text ("quality", usual.quality.c_str(), 64);
    options.candidates = int (juce::jlimit<std::int64_t> (1, 8, read.count ("candidates", 1, 1)));
    options.seed = std::uint32_t (read.count ("seed", 0));
    options.stereo = read.text ("stereo", usual.stereo.c_str(), 64);
    options.residual = read.text ("residual", usual.residual.c_str(), 64);
    options.presenceGate = read.number ("presenceGate", usual.presenceGate);
    options.outputFolder = read.text ("outputFolder");
    options.allowOverwrite = read.flag ("allowOverwrite", usual.allowOverwrite);
    return read.isWhole ? options : usual;
}

juce::ValueTree saveStem (const wire::Stem& stem)
{
    juce::ValueTree tree ("Stem", { { "role", toText (stem.role) },
                                    { "name", toText (stem.name) },
                                    { "path", toText (stem.path) },
                                    { "index", juce::int64 (stem.index) },
                                    { "sampleRate", juce::int64 (stem.sampleRate) },
                                    { "channels", juce::int64 (stem.channels) },
                                    { "samples", juce::int64 (stem.samples) } });
    if (stem.score)
        put (tree, "score", toText (*stem.score));
    return tree;
}

std::optional<wire::Stem> restoreStem (const juce::ValueTree& tree)
{
    Reader read{ tree };
    wire::Stem stem;
    stem.role = read.text ("role", "", 64);
    stem.name = read.text ("name");
    stem.path = read.text ("path");
    stem.index = read.count ("index", 0);
    stem.sampleRate = read.count ("sampleRate", 0);
    stem.channels = read.count ("channels", 0);
    stem.samples = read.count ("samples", 0);
    if (tree.hasProperty ("score"))
        stem.score = read.number ("score");
    if (! read.isWhole || ! juce::File::isAbsolutePath (toText (stem.path)))
        return {};
    return stem;
}

void saveMusical (juce::ValueTree& tree, const capture::MusicalTime& musical)
{
    put (tree, "quarters", toText (musical.quarters));
    put (tree, "beatsPerMinute", toText (musical.beatsPerMinute));
    put (tree, "numerator", musical.numerator);
    put (tree, "denominator", musical.denominator);
}

std::optional<capture::MusicalTime> restoreMusical (const juce::ValueTree& tree)
{
    if (! tree.isValid())
        return {};
    Reader read{ tree };
    const capture::MusicalTime musical{ read.number ("quarters"), read.number ("beatsPerMinute"),
                                        int (read.count ("numerator", 1, 4)),
                                        int (read.count ("denominator", 1, 4)) };
    return read.isWhole ? std::optional (musical) : std::nullopt;
}
} // namespace

juce::ValueTree saveClip (const SavedClip& saved, const juce::ValueTree& base, bool withStems)
{
    const auto& clip = saved.clip;
    auto tree = base.isValid() ? base.createCopy() : juce::ValueTree ("Clip");
    put (tree, "id", clip.id);
    put (tree, "kind", kinds[size_t (clip.kind)]);
    put (tree, "path", toText (clip.source.path));
    put (tree, "name", toText (clip.source.name));
    put (tree, "sampleRate", toText (clip.sampleRate));
    put (tree, "samples", juce::int64 (clip.samples));
    put (tree, "channels", clip.channels);
    put (tree, "droppedSamples", juce::int64 (clip.droppedSamples));
    put (tree, "clipId", toText (saved.clipId));
    put (tree, "jobId", toText (saved.jobId));
    put (tree, "stemsJobId", toText (saved.stemsJobId));
    auto origin = childOf (tree, "Origin"), prompt = childOf (tree, "Prompt"),
         options = childOf (tree, "Options");
    saveOrigin (origin, clip.source.origin);
    savePrompt (prompt, clip.prompt);
    saveOptions (options, clip.options);
    if (clip.musical)
    {
        auto musical = childOf (tree, "Musical");
        saveMusical (musical, *clip.musical);
    }
    if (clip.item)
    {
        const auto item = saveItem (*clip.item);
        tree.removeChild (tree.getChildWithName (item.getType()), nullptr);
        tree.appendChild (item, nullptr);
    }
    if (! withStems)
        return tree;
    removeAll (tree, "Stem");
    for (const auto& stem : clip.stems)
        tree.appendChild (saveStem (stem), nullptr);
    return tree;
}

std::optional<SavedClip> restoreClip (const juce::ValueTree& tree)
{
    Reader read{ tree };
    SavedClip saved;
    auto& clip = saved.clip;
    clip.id = toText (read.text ("id", "", 64));
    const auto kind = std::find (kinds.begin(), kinds.end(), read.text ("kind", "file"));
    clip.source.path = read.text ("path");
    clip.source.name = read.text ("name");
    clip.sampleRate = read.number ("sampleRate");
    clip.samples = read.count ("samples", 0);
    clip.channels = int (read.count ("channels", 0));
    clip.droppedSamples = read.count ("droppedSamples", 0);
    saved.clipId = read.text ("clipId", "", 64);
    saved.jobId = read.text ("jobId", "", 64);
    saved.stemsJobId = read.text ("stemsJobId", "", 64);
    clip.source.origin = restoreOrigin (tree.getChildWithName ("Origin"), read.isWhole);
    if (! tree.hasType ("Clip") || ! read.isWhole || clip.id.isEmpty() || clip.sampleRate < 0
        || ! juce::File::isAbsolutePath (toText (clip.source.path)))
        return {};
    clip.kind = kind == kinds.end() ? ClipKind::file : ClipKind (kind - kinds.begin());
    clip.prompt = restorePrompt (tree.getChildWithName ("Prompt"));
    clip.options = restoreOptions (tree.getChildWithName ("Options"));
    clip.musical = restoreMusical (tree.getChildWithName ("Musical"));
    for (const auto& each : tree)
    {
        if (! each.hasType ("Stem") || clip.stems.size() >= mostStems)
            continue;
        if (auto stem = restoreStem (each))
            clip.stems.push_back (std::move (*stem));
    }
    if (clip.kind == ClipKind::reaperItem)
        clip.item = restoreItem (tree.getChildWithName ("ReaperItem"));
    return saved;
}

} // namespace stemlasso
