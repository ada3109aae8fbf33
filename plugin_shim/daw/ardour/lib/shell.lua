-- What Ardour's Lua cannot do itself: list a folder, and start a program without waiting for it.

local shell = {}

local function is_windows(path)
  return path:match("^%a:[/\\]") ~= nil
end

local function quoted(word)
  return is_windows(word) and '"' .. word .. '"' or "'" .. word:gsub("'", "'\\''") .. "'"
end

--- Names of what is in a folder; an empty list where it cannot be read.
function shell.names(folder)
  local lister = is_windows(folder) and "dir /b " or "ls -1 "
  local pipe = io.popen and io.popen(lister .. quoted(folder))
  local names = {}
  if pipe then
    for name in pipe:lines() do
      names[#names + 1] = name
    end
    pipe:close()
  end
  return names
end

--- Starts the program of `command` (a list of words) with one word more; false without a command.
function shell.start(command, word)
  if not command or #command == 0 then
    return false
  end
  local words = {}
  for _, each in ipairs(command) do
    words[#words + 1] = quoted(each)
  end
  words[#words + 1] = word
  local line = table.concat(words, " ")
  if is_windows(command[1]) then
    os.execute('start "" ' .. line)
  else
    os.execute(line .. " >/dev/null 2>&1 &")
  end
  return true
end

return shell
