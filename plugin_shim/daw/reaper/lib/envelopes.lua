-- Take envelopes. REAPER's API reads them but makes none, so they travel as the text in which it
-- keeps an item: each take's lines, its GUID among them, then blocks such as
--
--     <VOLENV
--     EGUID {...}
--     ACT 1 -1
--     PT 0.5 0.25 0       seconds after the item's start, times the play rate
--     >
--
-- and a line TAKE before every take but the first. plugin_shim/reaper/Envelopes.h is the same.

local envelopes = {}

local CARRIED = { VOLENV = true, PANENV = true, MUTEENV = true }

-- Calls visit(line, depth, guid) for each line: how deep it stands, or the block that it opens, and
-- the GUID of the take it belongs to.
local function walk(text, visit)
  local after, guid = 0, ""
  for line in text:gmatch("[^\r\n]+") do
    local bare, depth = line:match("^%s*(.*)$"), after
    if bare:sub(1, 1) == "<" then
      after = after + 1
    elseif bare == ">" then
      after = after - 1
    end
    local is_take = depth == 1 and (bare == "TAKE" or bare:sub(1, 5) == "TAKE ")
    if is_take then
      guid = ""
    elseif depth == 1 and bare:sub(1, 5) == "GUID " then
      guid = bare:sub(6)
    end
    visit(bare, depth, guid, is_take)
  end
end

--- The envelopes of the take `guid` in an item's text, ready for another item; "" where it has none.
--- Volume, pan and mute always go, pitch only with_pitch. Times become (old + shift_s) * scale.
function envelopes.of(text, guid, with_pitch, shift_s, scale)
  local found, is_inside = {}, false
  walk(text, function(line, depth, own)
    local name = depth == 1 and own == guid and line:match("^<(%u+)")
    is_inside = is_inside or CARRIED[name] or (with_pitch and name == "PITCHENV")
    if is_inside and line:sub(1, 5) ~= "EGUID" then -- REAPER gives each its own
      local at_s, rest = line:match("^PT (%S+)(.*)$")
      found[#found + 1] = at_s
        and string.format("PT %.12g%s", (tonumber(at_s) + shift_s) * scale, rest) or line
    end
    if is_inside and depth == 2 and line == ">" then
      is_inside = false
    end
  end)
  return (is_inside or #found == 0) and "" or table.concat(found, "\n") .. "\n"
end

--- An item's text with `added` envelopes in each of its takes.
function envelopes.put(text, added)
  local lines = {}
  walk(text, function(line, depth, _, is_take)
    if is_take or (depth == 1 and line == ">") then
      lines[#lines + 1] = added:gsub("\n$", "")
    end
    lines[#lines + 1] = line
  end)
  return table.concat(lines, "\n") .. "\n"
end

return envelopes
