// Plays a file through the plug-in as any host might: what a host says of each block, and what it does
// between them, comes line by line on the standard input.
//
//     take_host BUNDLE FILE        FILE: float32 stereo, interleaved, without a header
//
//     prepare RATE LARGEST_BLOCK realtime|offline
//     automate NAME VALUE SAMPLE                      with the next block, at that sample of it
//     play SAMPLES POSITION yes|no QUARTERS TEMPO     the next samples of the file; `yes`: it plays
//     play SAMPLES -                                  as a host without a transport
//
// QUARTERS and TEMPO may be `-`: not known. Prints one line of JSON.

#include "Vst3Plugin.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

using namespace stemlasso::hosting;

namespace
{
HostApplication host (u"take");

std::vector<float> readFile (const std::string& path)
{
    std::ifstream in (path, std::ios::binary);
    const std::string bytes (std::istreambuf_iterator<char> (in), {});
    std::vector<float> samples (bytes.size() / sizeof (float));
    std::memcpy (samples.data(), bytes.data(), samples.size() * sizeof (float));
    return samples;
}

template <typename Value>
Value word (std::istream& line)
{
    Value value{};
    if (! (line >> value))
        throw std::runtime_error ("a line cannot be understood");
    return value;
}

std::optional<double> known (std::istream& line)
{
    const auto text = word<std::string> (line);
    return text == "-" ? std::nullopt : std::optional (std::stod (text));
}

std::optional<Moment> momentOf (std::istream& line)
{
    const auto position = word<std::string> (line);
    if (position == "-")
        return {};
    const auto isPlaying = word<std::string> (line) == "yes";
    const auto quarters = known (line), tempo = known (line);
    return Moment{ std::stoll (position), isPlaying, quarters, tempo };
}

class Player
{
public:
    Player (Vst3Plugin& pluginToUse, std::vector<float> samplesToUse)
        : plugin (pluginToUse), samples (std::move (samplesToUse))
    {
    }

    void obey (std::istream& line)
    {
        const auto what = word<std::string> (line);
        if (what == "prepare")
        {
            const auto rate = word<double> (line);
            const auto largest = word<int> (line);
            plugin.prepare (rate, largest, word<std::string> (line) == "offline");
        }
        else if (what == "automate")
        {
            const auto name = word<std::string> (line);
            const auto value = word<double> (line);
            plugin.automate (name, value, word<int> (line));
        }
        else if (what == "play")
        {
            const auto frames = word<std::size_t> (line);
            play (frames, momentOf (line));
        }
        else
            throw std::runtime_error ("what is " + what);
    }

    long blocks = 0, altered = 0;

private:
    void play (std::size_t frames, const std::optional<Moment>& moment)
    {
        if ((frame + frames) * 2 > samples.size())
            throw std::runtime_error ("the file is over");
        std::vector<float> in[2], out[2];
        for (std::size_t channel = 0; channel < 2; ++channel)
        {
            out[channel].resize (frames);
            for (std::size_t i = 0; i < frames; ++i)
                in[channel].push_back (samples[(frame + i) * 2 + channel]);
        }
        const float* sent[]{ in[0].data(), in[1].data() };
        float* got[]{ out[0].data(), out[1].data() };
        plugin.process (sent, got, int (frames), moment);
        plugin.automateNothing();
        for (int channel = 0; channel < 2; ++channel)
            if (std::memcmp (sent[channel], got[channel], frames * sizeof (float)) != 0)
                ++altered;
        frame += frames;
        ++blocks;
    }

    Vst3Plugin& plugin;
    const std::vector<float> samples;
    std::size_t frame = 0;
};
} // namespace

int main (int argumentCount, char** arguments)
{
    if (argumentCount != 3)
        return std::puts ("usage: take_host BUNDLE FILE"), 2;
    try
    {
        Vst3Module module (arguments[1]);
        Vst3Plugin plugin (module, host);
        Player player (plugin, readFile (arguments[2]));
        for (std::string text; std::getline (std::cin, text);)
        {
            std::istringstream line (text);
            player.obey (line);
        }
        std::printf ("{\"n_blocks\": %ld, \"altered\": %ld}\n", player.blocks, player.altered);
    }
    catch (const std::exception& error)
    {
        std::fprintf (stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
