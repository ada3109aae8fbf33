#include "Launcher.h"

#ifdef _WIN32

#include <windows.h>

namespace stemlasso::wire
{

namespace
{
/** One argument as the C library of the program splits it again. */
std::wstring quoted (const std::wstring& argument)
{
    std::wstring text = L"\"";
    std::size_t backslashes = 0;
    for (const auto c : argument)
    {
        if (c == L'"')
            text.append (backslashes + 1, L'\\');
        backslashes = c == L'\\' ? backslashes + 1 : 0;
        text.push_back (c);
    }
    text.append (backslashes, L'\\');
    return text + L"\"";
}
} // namespace

std::string startDetached (const Command& command, const std::filesystem::path& log)
{
    std::wstring line;
    for (const auto& each : command)
        line += (line.empty() ? L"" : L" ") + quoted (pathOf (each).wstring());

    SECURITY_ATTRIBUTES inherited{ sizeof (SECURITY_ATTRIBUTES), nullptr, TRUE };
    const auto name = log.empty() ? std::wstring (L"NUL") : log.wstring();
    const auto output = CreateFileW (name.c_str(), FILE_APPEND_DATA, FILE_SHARE_READ, &inherited,
                                     OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (output == INVALID_HANDLE_VALUE)
        return utf8Of (log) + ": the log cannot be written";

    // Only this one handle goes along, whatever others of the host may be inherited.
    SIZE_T size = 0;
    InitializeProcThreadAttributeList (nullptr, 1, 0, &size);
    std::vector<char> room (size);
    const auto list = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST> (room.data());
    auto handle = output;
    STARTUPINFOEXW start = {};
    start.StartupInfo.cb = sizeof start;
    start.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    start.StartupInfo.hStdOutput = start.StartupInfo.hStdError = output;
    start.lpAttributeList = list;
    PROCESS_INFORMATION made = {};
    const auto isStarted = InitializeProcThreadAttributeList (list, 1, 0, &size)
                           && UpdateProcThreadAttribute (list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                                         &handle, sizeof handle, nullptr, nullptr)
                           && CreateProcessW (nullptr, line.data(), nullptr, nullptr, TRUE,
                                              CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
                                                  | EXTENDED_STARTUPINFO_PRESENT,
                                              nullptr, nullptr, &start.StartupInfo, &made);
    const auto code = GetLastError();
    CloseHandle (output);
    if (! isStarted)
        return command.front() + ": it cannot be started (error " + std::to_string (code) + ")";
    DeleteProcThreadAttributeList (list);
    CloseHandle (made.hThread);
    CloseHandle (made.hProcess);
    return {};
}

} // namespace stemlasso::wire

#endif
