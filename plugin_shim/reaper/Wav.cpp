#include "Wav.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace stemlasso::reaper
{

namespace
{
constexpr int mostChunks = 1000;
constexpr std::size_t longestName = 80;
constexpr std::int64_t copyBytes = 1 << 20;
constexpr std::int64_t whole32 = 0xFFFFFFFF;
constexpr std::int64_t headerRoom = 4200;
constexpr int plain = 1, floating = 3, extensible = 0xFFFE;

template <typename Number>
Number read (const char* bytes)
{
    Number value = 0;
    for (std::size_t index = 0; index < sizeof (Number); ++index)
        value = Number (value | Number (Number (std::uint8_t (bytes[index])) << (8 * index)));
    return value;
}

template <typename Number>
void append (std::string& bytes, Number value)
{
    for (std::size_t index = 0; index < sizeof (Number); ++index)
        bytes.push_back (char (std::uint8_t (value >> (8 * index))));
}

bool readFormat (const std::string& body, WavFormat& format)
{
    if (body.size() < 16)
        return false;
    int kind = read<std::uint16_t> (body.data());
    if (kind == extensible && body.size() >= 26)
        kind = read<std::uint16_t> (body.data() + 24);
    const auto rate = read<std::uint32_t> (body.data() + 4);
    format.channels = read<std::uint16_t> (body.data() + 2);
    format.frameBytes = read<std::uint16_t> (body.data() + 12);
    format.body = body;
    if (rate < 1 || rate > 10'000'000)
        return false;
    format.sampleRate = int (rate);
    return (kind == plain || kind == floating) && format.channels >= 1 && format.frameBytes >= 1;
}

std::string headerOf (const std::string& body, std::int64_t dataBytes)
{
    const auto padding = body.size() % 2;
    const auto size = 4 + 8 + std::int64_t (body.size() + padding) + 8 + dataBytes;
    std::string header = "RIFF";
    append (header, std::uint32_t (size));
    header += "WAVEfmt ";
    append (header, std::uint32_t (body.size()));
    header += body + std::string (padding, '\0') + "data";
    append (header, std::uint32_t (dataBytes));
    return header;
}

std::string unwritten (const std::string& path)
{
    return path + ": it could not be written; is the disk full?";
}

void removeFile (const std::string& path)
{
    std::error_code ignored;
    std::filesystem::remove (pathOf (path), ignored);
}
} // namespace

std::filesystem::path pathOf (const std::string& utf8)
{
    return std::filesystem::path (std::u8string (utf8.begin(), utf8.end()));
}

std::string utf8Of (const std::filesystem::path& path)
{
    const auto text = path.u8string();
    return { text.begin(), text.end() };
}

std::string cleanName (const std::string& name)
{
    std::string clean;
    for (const char letter : name)
        clean += std::uint8_t (letter) < 32 || std::strchr ("<>:\"/\\|?*", letter) != nullptr
                     ? ' '
                     : letter;
    auto length = std::min (clean.size(), longestName);
    while (length > 0 && length < clean.size() && (std::uint8_t (clean[length]) & 0xC0) == 0x80)
        --length; // never through the middle of a letter
    clean.resize (length);
    while (! clean.empty() && (clean.back() == ' ' || clean.back() == '.'))
        clean.pop_back(); // Windows drops them
    return clean.empty() ? "clip" : clean;
}

std::optional<WavFormat> readWav (const std::string& path)
{
    std::ifstream file (pathOf (path), std::ios::binary);
    std::array<char, 12> head{};
    if (! file.read (head.data(), 12) || std::memcmp (head.data() + 8, "WAVE", 4) != 0)
        return {};
    const std::string magic (head.data(), 4);
    if (magic != "RIFF" && magic != "RF64" && magic != "BW64")
        return {};
    file.seekg (0, std::ios::end);
    const auto fileBytes = std::int64_t (file.tellg());
    std::int64_t at = 12, data64 = -1;
    std::optional<WavFormat> found;
    for (int count = 0; count < mostChunks; ++count)
    {
        std::array<char, 8> chunk{};
        file.clear();
        file.seekg (at);
        if (! file.read (chunk.data(), 8))
            break;
        const std::string name (chunk.data(), 4);
        const auto bytes = std::int64_t (read<std::uint32_t> (chunk.data() + 4));
        at += 8;
        if (name == "ds64")
        {
            std::array<char, 16> sizes{};
            file.read (sizes.data(), 16);
            data64 = std::int64_t (read<std::uint64_t> (sizes.data() + 8));
        }
        else if (name == "fmt ")
        {
            std::string body (std::size_t (std::min<std::int64_t> (bytes, 4096)), '\0');
            WavFormat format;
            file.read (body.data(), std::streamsize (body.size()));
            if (! file || ! readFormat (body, format))
                return {};
            found = format;
        }
        else if (name == "data" && found)
        {
            const auto dataBytes = bytes == whole32 && data64 >= 0 ? data64 : bytes;
            found->firstByte = at;
            found->samples = std::min (dataBytes, fileBytes - at) / found->frameBytes;
            return found;
        }
        at += bytes + bytes % 2;
    }
    return {};
}

std::string partOf (const std::string& path) { return path + ".part"; }

NewFile::NewFile (std::string pathToUse)
    : path (std::move (pathToUse)),
      file (pathOf (partOf (path)), std::ios::binary | std::ios::trunc)
{
}

NewFile::~NewFile()
{
    if (path.empty())
        return;
    file.close();
    removeFile (partOf (path));
}

void NewFile::write (const std::string& bytes)
{
    file.write (bytes.data(), std::streamsize (bytes.size()));
}

std::string NewFile::keep()
{
    file.close();
    std::error_code problem;
    if (file)
        std::filesystem::rename (pathOf (partOf (path)), pathOf (path), problem);
    if (! file || problem)
        return unwritten (path);
    path.clear();
    return {};
}

WavCut::WavCut (std::string fromFile, const WavFormat& format, std::int64_t first,
                std::int64_t stop, std::string toFile)
    : from (std::move (fromFile)), to (std::move (toFile)),
      bytes ((stop - first) * format.frameBytes), left (bytes),
      reader (pathOf (from), std::ios::binary), writer (to),
      block (std::size_t (std::min (bytes, copyBytes)), '\0')
{
    reader.seekg (format.firstByte + first * format.frameBytes);
    if (bytes + headerRoom <= whole32)
        writer.write (headerOf (format.body, bytes));
}

std::string WavCut::step()
{
    if (bytes + headerRoom > whole32)
        return from + ": the stretch is longer than a WAV file can be";
    if (! reader)
        return from + ": it cannot be opened";
    block.resize (std::size_t (std::min (left, copyBytes)));
    if (! reader.read (block.data(), std::streamsize (block.size())))
        return from + ": it changed while it was read";
    writer.write (block);
    left -= std::int64_t (block.size());
    if (left > 0)
        return {};
    if (bytes % 2 == 1)
        writer.write (std::string (1, '\0'));
    const auto why = writer.keep();
    isKept = why.empty();
    return why;
}

double WavCut::progress() const
{
    return double (bytes - left) / double (std::max<std::int64_t> (bytes, 1));
}

FloatWav::FloatWav (const std::string& path, int sampleRate, int channels, std::int64_t samples)
    : file (path)
{
    const auto frameBytes = 4 * channels;
    std::string body;
    append (body, std::uint16_t (floating));
    append (body, std::uint16_t (channels));
    append (body, std::uint32_t (sampleRate));
    append (body, std::uint32_t (sampleRate * frameBytes));
    append (body, std::uint16_t (frameBytes));
    append (body, std::uint16_t (32));
    file.write (headerOf (body, samples * frameBytes));
}

void FloatWav::write (const std::vector<double>& interleaved, std::size_t count)
{
    block.clear();
    for (std::size_t index = 0; index < count; ++index)
        append (block, std::bit_cast<std::uint32_t> (float (interleaved[index])));
    file.write (block);
}

} // namespace stemlasso::reaper
