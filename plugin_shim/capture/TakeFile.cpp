#include "TakeFile.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>
#include <filesystem>

#if defined(_WIN32)
#include <io.h>
#include <share.h>
#else
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#endif

namespace stemlasso::capture
{

static_assert (std::endian::native == std::endian::little, "samples are written as they lie");

namespace
{
// Every file has the same chunks at the same places:
//     0 RIFF   12 JUNK, or ds64 in RF64   48 bext   658 fmt   684 fact   696 data   704 samples
constexpr std::size_t headerBytes = 704;
constexpr std::size_t extendedAt = 12, broadcastAt = 48, formatAt = 658, factAt = 684, dataAt = 696;
constexpr std::size_t extendedBytes = 28, broadcastBytes = 602, formatBytes = 18;
using Header = std::array<char, headerBytes>;

template <typename Value>
void put (Header& header, std::size_t at, Value value)
{
    std::memcpy (header.data() + at, &value, sizeof (value));
}

void putText (Header& header, std::size_t at, const std::string& text, std::size_t most)
{
    std::memcpy (header.data() + at, text.data(), std::min (text.size(), most));
}

void putChunk (Header& header, std::size_t at, const char* name, std::uint64_t bytes)
{
    putText (header, at, name, 4);
    put (header, at + 4, std::uint32_t (bytes));
}

void putSizes (Header& header, std::uint64_t frames, std::uint64_t frameBytes,
               std::uint64_t largestRiff)
{
    constexpr std::uint32_t seeElsewhere = 0xFFFFFFFF;
    const auto dataBytes = frames * frameBytes;
    const auto riffBytes = headerBytes - 8 + dataBytes;
    const bool isLarge = riffBytes > largestRiff;
    putChunk (header, 0, isLarge ? "RF64" : "RIFF", isLarge ? seeElsewhere : riffBytes);
    putChunk (header, extendedAt, isLarge ? "ds64" : "JUNK", extendedBytes);
    put (header, extendedAt + 8, isLarge ? riffBytes : 0);
    put (header, extendedAt + 16, isLarge ? dataBytes : 0);
    put (header, extendedAt + 24, isLarge ? frames : 0);
    put (header, factAt + 8, std::uint32_t (isLarge ? seeElsewhere : frames));
    putChunk (header, dataAt, "data", isLarge ? seeElsewhere : dataBytes);
}

void putBroadcast (Header& header, const TakeFormat& format)
{
    const auto now = std::time (nullptr);
    std::tm local{};
#if defined(_WIN32)
    localtime_s (&local, &now);
#else
    localtime_r (&now, &local);
#endif
    std::array<char, 20> words{};
    std::strftime (words.data(), words.size(), "%Y-%m-%d%H:%M:%S", &local);
    const auto at = broadcastAt + 8;
    putChunk (header, broadcastAt, "bext", broadcastBytes);
    putText (header, at, format.description, 256);
    putText (header, at + 256, "StemLasso", 32);
    putText (header, at + 320, words.data(), 18);
    put (header, at + 338, std::uint64_t (format.positionSamples.value_or (0)));
    put (header, at + 346, std::uint16_t (1));
}

Header makeHeader (const TakeFormat& format, std::uint64_t frames)
{
    Header header{};
    const auto frameBytes = std::uint32_t (format.channels) * 4;
    const auto rate = std::uint32_t (std::lround (format.sampleRate));
    putText (header, 8, "WAVE", 4);
    putBroadcast (header, format);
    putChunk (header, formatAt, "fmt ", formatBytes);
    put (header, formatAt + 8, std::uint16_t (3)); // IEEE float
    put (header, formatAt + 10, std::uint16_t (format.channels));
    put (header, formatAt + 12, rate);
    put (header, formatAt + 16, rate * frameBytes);
    put (header, formatAt + 20, std::uint16_t (frameBytes));
    put (header, formatAt + 22, std::uint16_t (32));
    putChunk (header, factAt, "fact", 4);
    putSizes (header, frames, frameBytes, format.largestRiff);
    return header;
}

std::filesystem::path toPath (const std::string& text)
{
    return std::filesystem::path (std::u8string (text.begin(), text.end()));
}

std::string reason()
{
    if (errno == ENOSPC || errno == EDQUOT)
        return "the disk is full";
    return std::generic_category().message (errno);
}

/** Opens and locks; none when another has it, or for another reason, which `errno` tells. */
std::FILE* openLocked (const std::string& path, bool isNew)
{
#if defined(_WIN32)
    return _wfsopen (toPath (path).wstring().c_str(), isNew ? L"w+xbN" : L"r+bN", _SH_DENYRW);
#else
    const int flags = O_RDWR | O_CLOEXEC | (isNew ? O_CREAT | O_EXCL : 0);
    const int descriptor = ::open (path.c_str(), flags, 0600);
    if (descriptor < 0)
        return nullptr;
    // a new one waits for whoever looks at it just now; where files cannot be locked it does without
    if (::flock (descriptor, isNew ? LOCK_EX : LOCK_EX | LOCK_NB) == 0 || isNew)
        if (auto* file = ::fdopen (descriptor, "r+b"))
            return file;
    const int why = errno;
    ::close (descriptor);
    errno = why;
    return nullptr;
#endif
}

bool seek (std::FILE* file, std::uint64_t at)
{
#if defined(_WIN32)
    return _fseeki64 (file, std::int64_t (at), SEEK_SET) == 0;
#else
    return ::fseeko (file, off_t (at), SEEK_SET) == 0;
#endif
}

void cut (std::FILE* file, std::uint64_t bytes)
{
#if defined(_WIN32)
    _chsize_s (_fileno (file), std::int64_t (bytes));
#else
    [[maybe_unused]] const int result = ::ftruncate (::fileno (file), off_t (bytes));
#endif
}

bool writeHeader (std::FILE* file, const Header& header)
{
    return seek (file, 0) && std::fwrite (header.data(), 1, header.size(), file) == header.size();
}
} // namespace

std::unique_ptr<TakeFile> TakeFile::create (const std::string& path, const TakeFormat& format,
                                            std::string& problem)
{
    auto* file = openLocked (path, true);
    if (file != nullptr)
    {
        std::setvbuf (file, nullptr, _IONBF, 0); // pieces are large, and a crash loses none of them
        if (writeHeader (file, makeHeader (format, 0)))
            return std::unique_ptr<TakeFile> (new TakeFile (file, path, format));
    }
    problem = path + ": the take cannot be written (" + reason()
              + "). Free space, or choose another "
                "folder by STEMLASSO_HOME, and capture again.";
    if (file != nullptr)
    {
        std::fclose (file);
        std::remove (path.c_str());
    }
    return nullptr;
}

TakeFile::TakeFile (std::FILE* opened, std::string where, const TakeFormat& made)
    : file (opened), path (std::move (where)), format (made)
{
}

TakeFile::~TakeFile() { std::fclose (file); }

bool TakeFile::append (const float* samples, std::uint64_t frames, std::string& problem)
{
    const auto frameBytes = std::uint64_t (format.channels) * 4;
    const auto done = std::fwrite (samples, frameBytes, frames, file);
    writtenFrames += done;
    if (done == frames)
        return true;
    problem = path + ": the take ends after " + std::to_string (writtenFrames) + " samples ("
              + reason() + "). Free space and capture again; what was written is kept.";
    cut (file, headerBytes + writtenFrames * frameBytes);
    return false;
}

bool TakeFile::update()
{
    const auto end = headerBytes + writtenFrames * std::uint64_t (format.channels) * 4;
    return writeHeader (file, makeHeader (format, writtenFrames)) && seek (file, end);
}

TakeFile::Left TakeFile::repair (const std::string& path)
{
    auto* file = openLocked (path, false);
    if (file == nullptr)
        return Left::unknown;
    std::unique_ptr<std::FILE, int (*) (std::FILE*)> closing (file, std::fclose);
    std::error_code error;
    const auto bytes = std::filesystem::file_size (toPath (path), error);
    if (error || bytes == 0)
        return error ? Left::unknown : Left::nothing; // it died before the header was written
    Header header{};
    if (std::fread (header.data(), 1, header.size(), file) != header.size())
        return Left::unknown;
    const auto says = [&] (std::size_t at, const char* name)
    { return std::memcmp (header.data() + at, name, 4) == 0; };
    std::uint16_t channels = 0;
    std::memcpy (&channels, header.data() + formatAt + 10, sizeof (channels));
    if (! says (8, "WAVE") || ! says (broadcastAt, "bext") || ! says (dataAt, "data")
        || channels == 0)
        return Left::unknown;
    const auto frameBytes = std::uint64_t (channels) * 4;
    const auto frames = (bytes - headerBytes) / frameBytes;
    if (frames == 0)
        return Left::nothing;
    cut (file, headerBytes + frames * frameBytes);
    putSizes (header, frames, frameBytes, TakeFormat{}.largestRiff);
    return writeHeader (file, header) ? Left::whole : Left::unknown;
}

} // namespace stemlasso::capture
