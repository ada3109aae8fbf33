#pragma once

// Lines of standard input, read beside windows.

#include "RunLoop.h"

#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

namespace stemlasso::hosting
{

class Lines
{
public:
    explicit Lines (RunLoop& loop)
    {
        loop.watch (STDIN_FILENO, [this] { return readSome(); });
    }

    /** The words of the next line, parted by tabs, if it has come. */
    std::optional<std::vector<std::string>> next()
    {
        const auto end = text.find ('\n');
        if (end == std::string::npos)
            return {};
        std::vector<std::string> words{ "" };
        for (const auto letter : text.substr (0, end))
            if (letter == '\t')
                words.emplace_back();
            else
                words.back() += letter;
        text.erase (0, end + 1);
        return words;
    }
    bool isAtEnd() const { return hasEnded && text.find ('\n') == std::string::npos; }

private:
    bool readSome()
    {
        char buffer[4096];
        const auto n = ::read (STDIN_FILENO, buffer, sizeof (buffer));
        hasEnded = n <= 0;
        if (n > 0)
            text.append (buffer, std::size_t (n));
        return ! hasEnded;
    }

    std::string text;
    bool hasEnded = false;
};

} // namespace stemlasso::hosting
