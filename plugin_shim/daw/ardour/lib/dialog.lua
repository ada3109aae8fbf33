-- What the user says, in Ardour's dialog: sound, spans, takes.

local json = require("json")

local dialog = {}

local FIELDS = {
  { type = "entry", key = "what", title = "Sound, in words", default = "" },
  { type = "entry", key = "wanted", title = "Where it is (1.2:2.5 4:5)", default = "" },
  { type = "entry", key = "unwanted", title = "Where it is not", default = "" },
  { type = "number", key = "n_takes", title = "Takes", min = 1, max = 8, step = 1, digits = 0,
    default = 1 },
  { type = "checkbox", key = "mutes", title = "Mute the original", default = false },
}

--- "1.2:2.5 4:5" added to `spans` with a sign; true, or nil and why not.
local function add_spans(spans, text, sign)
  for word in text:gmatch("[^%s,;]+") do
    local start_s, end_s = word:match("^([%d.]+):([%d.]+)$")
    start_s, end_s = tonumber(start_s), tonumber(end_s)
    if not (start_s and end_s) or end_s <= start_s then
      return nil, word .. ": give a span as START:END in seconds after the region's start, "
        .. "such as 1.2:2.5"
    end
    spans[#spans + 1] = { start_s = start_s, end_s = end_s, sign = sign }
  end
  return true
end

--- What the user asks for; nil when they thought better of it, nil and why after a slip.
function dialog.ask(lua_dialog)
  local given = lua_dialog.Dialog("StemLasso: separate selected regions", FIELDS):run()
  if not given then
    return nil
  end
  local spans = json.array({})
  for sign, text in pairs({ ["+"] = given.wanted, ["-"] = given.unwanted }) do
    local is_well, why = add_spans(spans, text, sign)
    if not is_well then
      return nil, why
    end
  end
  if given.what == "" and #spans == 0 then
    return nil, "Say what to take out, where it is, or both."
  end
  return { description = given.what, spans = spans, n_takes = math.floor(given.n_takes),
    mutes = given.mutes }
end

return dialog
