-- What the user says: sound, spans, takes. Spans are seconds after an item's start.

local dialog = {}

local SECTION = "StemLasso"
local TITLE = "StemLasso: separate selected items"
local BY_SELECTION = "selection"
local MOST_TAKES = 8
local CAPTIONS = table.concat({
  "Sound, in words",
  "Where it is (1.2:2.5 4:5, or selection)",
  "Where it is not",
  "Takes (1 to 8)",
  "Mute the original (y/n)",
  "extrawidth=220",
  "separator=\n",
}, ",")

--- "1.2:2.5 4:5" as a list of {start_s, end_s}, or nil and why not.
function dialog.spans(text)
  local spans = {}
  for word in text:gmatch("[^%s,;]+") do
    local start_s, end_s = word:match("^([%d.]+):([%d.]+)$")
    start_s, end_s = tonumber(start_s), tonumber(end_s)
    if not (start_s and end_s) or end_s <= start_s then
      return nil, word .. ": give a span as START:END in seconds after the item's start, "
        .. "such as 1.2:2.5"
    end
    spans[#spans + 1] = { start_s, end_s }
  end
  return spans
end

--- The time selection as seconds after the start of an item; an empty list where they do not meet.
local function selected_span(project, found)
  local start_s, end_s = reaper.GetSet_LoopTimeRange2(project, false, false, 0, 0, false)
  start_s = math.max(start_s - found.position_s, 0)
  end_s = math.min(end_s - found.position_s, found.length_s)
  if end_s > start_s then
    return { { start_s, end_s } }
  end
  return {}
end

local function meets_selection(project, items)
  for _, found in ipairs(items) do
    if #selected_span(project, found) > 0 then
      return true
    end
  end
  return false
end

local function fields_of(text, n)
  local fields = {}
  for field in (text .. "\n"):gmatch("([^\n]*)\n") do
    fields[#fields + 1] = field:match("^%s*(.-)%s*$")
  end
  while #fields < n do
    fields[#fields + 1] = ""
  end
  return fields
end

local function checked(fields)
  local is_at_selection = fields[2]:lower() == BY_SELECTION
  local wanted, why = dialog.spans(is_at_selection and "" or fields[2])
  if not wanted then
    return nil, why
  end
  local unwanted
  unwanted, why = dialog.spans(fields[3])
  if not unwanted then
    return nil, why
  end
  local n_takes = math.tointeger(tonumber(fields[4]))
  if not n_takes or n_takes < 1 or n_takes > MOST_TAKES then
    return nil, fields[4] .. ": give a number of takes from 1 to " .. MOST_TAKES
  elseif fields[1] == "" and #wanted == 0 and not is_at_selection then
    return nil, "Say what to take out, where it is, or both."
  end
  return {
    description = fields[1], is_at_selection = is_at_selection, wanted = wanted,
    unwanted = unwanted, n_takes = n_takes, mutes = fields[5]:lower():sub(1, 1) == "y",
  }
end

--- What the user asks for `items`; nil when they thought better of it. Asks again after a slip.
function dialog.ask(project, items)
  local fields = {
    reaper.GetExtState(SECTION, "description"),
    meets_selection(project, items) and BY_SELECTION or "",
    "", "1", "n",
  }
  while true do
    local is_given, text =
      reaper.GetUserInputs(TITLE, #fields, CAPTIONS, table.concat(fields, "\n"))
    if not is_given then
      return nil
    end
    fields = fields_of(text, #fields)
    local wish, why = checked(fields)
    if wish then
      reaper.SetExtState(SECTION, "description", wish.description, true)
      return wish
    end
    reaper.ShowMessageBox(why, "StemLasso", 0)
  end
end

--- The spans of a wish for one item: a list of {start_s, end_s, sign}, after the item's start.
function dialog.spans_for(project, wish, found)
  local wanted = wish.is_at_selection and selected_span(project, found) or wish.wanted
  local spans = {}
  for sign, list in pairs({ ["+"] = wanted, ["-"] = wish.unwanted }) do
    for _, span in ipairs(list) do
      spans[#spans + 1] = { span[1], span[2], sign }
    end
  end
  table.sort(spans, function(one, other) return one[1] < other[1] end)
  return spans
end

return dialog
