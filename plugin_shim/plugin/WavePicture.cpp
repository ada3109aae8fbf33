#include "WavePicture.h"

#include "Look.h"

namespace stemlasso
{

WavePicture::WavePicture()
{
    setInterceptsMouseClicks (false, false);
    setOpaque (true);
    setBufferedToImage (true); // spans are drawn over it with every move of the pointer
    setAccessible (false);
}

void WavePicture::show (const PeakLoader::Picture& newPicture, const view::TimeWindow& newWindow,
                        double sampleRate, juce::Colour newColour, const juce::String& newWords)
{
    const auto samples = newPicture.peaks != nullptr ? newPicture.peaks->samples() : 0;
    if (newPicture.peaks == picture.peaks && samples == drawnSamples && newWindow == window
        && ! (sampleRate < rate) && ! (sampleRate > rate) && newColour == colour
        && newWords == words)
        return;
    picture = newPicture;
    window = newWindow;
    rate = sampleRate;
    colour = newColour;
    words = newWords;
    drawnSamples = samples;
    repaint();
}

void WavePicture::paint (juce::Graphics& g)
{
    g.fillAll (colours::canvas);
    if (words.isNotEmpty())
    {
        g.setColour (colours::dim);
        g.setFont (font (13));
        g.drawFittedText (words, getLocalBounds().reduced (12), juce::Justification::centred, 4);
    }
    if (picture.peaks == nullptr || rate <= 0)
        return;
    const auto count = picture.peaks->channels();
    const auto height = float (getHeight()) / float (count);
    for (int channel = 0; channel < count; ++channel)
        paintChannel (g, { 0, height * float (channel), float (getWidth()), height }, channel);
}

void WavePicture::paintChannel (juce::Graphics& g, juce::Rectangle<float> box, int channel) const
{
    const auto scale = g.getInternalContext().getPhysicalPixelScaleFactor();
    const auto columns = juce::roundToInt (box.getWidth() * scale);
    const auto top = picture.peaks->loudest();
    const auto gain = top > 0 ? std::min (0.92f / top, 30.0f) : 1.0f;
    const auto extents = picture.peaks->columns (channel, window.startSeconds * rate,
                                                 window.endSeconds * rate, columns);
    const auto middle = box.getCentreY(), half = box.getHeight() / 2 - 1.5f;
    const auto width = box.getWidth() / float (std::max (columns, 1));
    const auto known = double (picture.peaks->samples()) / rate;
    juce::RectangleList<float> bars;
    bars.ensureStorageAllocated (columns);
    for (int i = 0; i < columns; ++i)
    {
        if (window.secondsAt (double (i) / scale) > known)
            break;
        const auto& extent = extents[size_t (i)];
        const auto high = middle - extent.high * gain * half - 0.5f;
        const auto low = middle - extent.low * gain * half + 0.5f;
        bars.addWithoutMerging ({ float (i) * width, high, width, low - high });
    }
    g.setColour (colour);
    g.fillRectList (bars);
    if (channel > 0)
    {
        g.setColour (colours::line);
        g.fillRect (box.withHeight (1));
    }
}

} // namespace stemlasso
