-- A stand-in for REAPER's Lua API: tracks, items, takes, sources, undo, project state. Stricter than
-- the real one: an unknown name, a wrong count or kind of argument, an unknown field and a change
-- outside an undo block are errors. The names are those of the API as REAPER 6 and 7 document it.

local wav = require("wav")

local fake = require("fake_reaper_model")
local handle, copy, field = fake.model.handle, fake.model.copy, fake.model.field
local change, project = fake.model.change, fake.model.project

local KINDS = {
  string = function(value) return type(value) == "string" end,
  number = function(value) return type(value) == "number" end,
  int = function(value) return math.tointeger(value) ~= nil end,
  bool = function(value) return type(value) == "boolean" end,
  ["function"] = function(value) return type(value) == "function" end,
  ReaProject = function(value)
    return value == 0 or value == nil or getmetatable(value).__name == "ReaProject"
  end,
  any = function() return true end,
  array = function(value) return type(value) == "table" and value.is_array end,
}
for _, kind in ipairs({ "MediaTrack", "MediaItem", "MediaItem_Take", "PCM_source",
    "AudioAccessor" }) do
  KINDS[kind] = function(value) return type(value) == "table" and getmetatable(value) == kind end
end

local api = {}
local function def(name, kinds, body)
  local wanted = {}
  for kind in kinds:gmatch("%S+") do wanted[#wanted + 1] = kind end
  api[name] = function(...)
    if select("#", ...) ~= #wanted then
      error(name .. ": " .. #wanted .. " arguments expected, got " .. select("#", ...), 2)
    end
    for index, kind in ipairs(wanted) do
      if not KINDS[kind](select(index, ...)) then
        error(string.format("bad argument #%d to '%s' (%s expected)", index, name, kind), 2)
      end
    end
    fake.calls[name] = (fake.calls[name] or 0) + 1
    if name == fake.failing and fake.calls[name] == fake.failing_call then
      error(name .. " failed", 2)
    end
    return body(...)
  end
end

local function items(of)
  local all = {}
  for _, track in ipairs((of or fake.front) == project and fake.tracks or {}) do
    for _, item in ipairs(track.items) do all[#all + 1] = item end
  end
  return all
end

def("CountMediaItems", "ReaProject", function(of) return #items(of) end)
def("GetMediaItem", "ReaProject int", function(of, index) return items(of)[index + 1] end)
def("IsMediaItemSelected", "MediaItem", function(item) return item.is_selected end)
def("GetActiveTake", "MediaItem", function(item) return item.active end)
def("SetActiveTake", "MediaItem_Take", function(take) change() take.item.active = take end)
def("TakeIsMIDI", "MediaItem_Take", function(take) return take.source.kind == "MIDI" end)
def("GetMediaItemTake_Source", "MediaItem_Take", function(take) return take.source end)
-- REAPER destroys neither the source that a take had, nor one that no take was given.
def("SetMediaItemTake_Source", "MediaItem_Take PCM_source", function(take, source)
  change()
  assert(fake.loose_sources[source], "a source that another take has, or that is gone")
  fake.loose_sources[source] = nil
  if take.source then
    fake.loose_sources[take.source] = true
  end
  take.source = source
  return true
end)
def("PCM_Source_Destroy", "PCM_source", function(source)
  assert(fake.loose_sources[source], "a source that a take has, or that is gone already")
  fake.loose_sources[source] = nil
end)
def("GetMediaSourceParent", "PCM_source", function(source) return source.parent end)
def("GetMediaSourceType", "PCM_source", function(source) return source.kind end)
def("GetMediaSourceFileName", "PCM_source", function(source) return source.file end)
def("GetMediaSourceLength", "PCM_source", function(source) return source.length_s, false end)
def("GetMediaSourceSampleRate", "PCM_source", function(source) return source.rate end)
def("GetMediaSourceNumChannels", "PCM_source", function(source) return source.n_channels end)
def("GetTakeNumStretchMarkers", "MediaItem_Take", function(take) return take.n_markers end)
def("GetMediaItem_Track", "MediaItem", function(item) return item.track end)
def("PCM_Source_CreateFromFile", "string", function(file)
  local source = fake.wave(file)
  if source then
    fake.loose_sources[source] = true
  end
  return source
end)

local function value_pair(getter, setter, kind)
  def(getter, kind .. " string", function(thing, name)
    return fake.missing_fields[name] and 0.0 or thing.numbers[field(thing.numbers, name)]
  end)
  def(setter, kind .. " string number", function(thing, name, value)
    change()
    if fake.missing_fields[name] then
      return false
    end
    thing.numbers[field(thing.numbers, name)] = value
    return true
  end)
end
value_pair("GetMediaItemInfo_Value", "SetMediaItemInfo_Value", "MediaItem")
value_pair("GetMediaItemTakeInfo_Value", "SetMediaItemTakeInfo_Value", "MediaItem_Take")
value_pair("GetMediaTrackInfo_Value", "SetMediaTrackInfo_Value", "MediaTrack")

local function string_access(name, kind, may_extend)
  def(name, kind .. " string string bool", function(thing, key, text, is_set)
    if not (may_extend and key:match("^P_EXT:.")) then
      field(thing.strings, key)
    end
    if is_set then
      change() thing.strings[key] = text
    end
    local found = thing.strings[key] or ""
    return found ~= "", found
  end)
end
string_access("GetSetMediaItemInfo_String", "MediaItem")
string_access("GetSetMediaItemTakeInfo_String", "MediaItem_Take")
string_access("GetSetMediaTrackInfo_String", "MediaTrack", true)

def("CountTracks", "ReaProject", function() return #fake.tracks end)
def("GetTrack", "ReaProject int", function(_, index) return fake.tracks[index + 1] end)
def("CountTrackMediaItems", "MediaTrack", function(track) return #track.items end)
def("GetTrackMediaItem", "MediaTrack int", function(track, index) return track.items[index + 1] end)
def("InsertTrackAtIndex", "int bool", function(index, wants_defaults)
  change()
  assert(not wants_defaults, "the user's default effects would be on the stems")
  assert(index >= 0 and index <= #fake.tracks, "no such place for a track")
  local track = fake.track("")
  table.remove(fake.tracks)
  table.insert(fake.tracks, index + 1, track)
end)
def("GetParentTrack", "MediaTrack", function(wanted)
  local open = {}
  for _, track in ipairs(fake.tracks) do
    if track == wanted then
      return open[#open]
    end
    local depth = track.numbers.I_FOLDERDEPTH
    if depth == 1 then
      open[#open + 1] = track
    end
    for _ = depth, -1 do
      table.remove(open)
    end
  end
end)
def("DeleteTrack", "MediaTrack", function(track)
  change()
  for index, each in ipairs(fake.tracks) do
    if each == track then
      table.remove(fake.tracks, index)
      return
    end
  end
  error("a track that is gone")
end)
def("DeleteTrackMediaItem", "MediaTrack MediaItem", function(track, item)
  change()
  for index, each in ipairs(track.items) do
    if each == item then
      table.remove(track.items, index)
      return true
    end
  end
  error("an item that is gone")
end)
def("CountTakes", "MediaItem", function(item) return #item.takes end)
def("GetTake", "MediaItem int", function(item, index) return item.takes[index + 1] end)
def("TakeFX_GetCount", "MediaItem_Take", function(take) return take.n_effects end)
def("Main_OnCommandEx", "int int ReaProject", function(command)
  fake.run_commands[#fake.run_commands + 1] = command
end)
def("GetItemStateChunk", "MediaItem string bool", function(item)
  local lines = { "<ITEM", "POSITION " .. item.numbers.D_POSITION, "IGUID " .. item.strings.GUID }
  for index, take in ipairs(item.takes) do
    if index > 1 then
      lines[#lines + 1] = "TAKE" .. (take == item.active and " SEL" or "")
    end
    lines[#lines + 1] = "NAME \"" .. take.strings.P_NAME .. "\"\nGUID " .. take.strings.GUID
      .. "\n<SOURCE WAVE\n  FILE \"" .. take.source.file .. "\"\n>"
    if take.envelopes ~= "" then
      lines[#lines + 1] = take.envelopes:gsub("\n$", "")
    end
  end
  return true, table.concat(lines, "\n") .. "\n>\n"
end)
def("SetItemStateChunk", "MediaItem string bool", function(item, text)
  change()
  local depth, found, is_envelope = 0, { "" }, false
  for line in text:gmatch("[^\n]+") do
    if depth == 1 and line:match("^TAKE") then
      found[#found + 1] = ""
    end
    if line:sub(1, 1) == "<" then
      depth = depth + 1
      is_envelope = depth == 2 and line:match("ENV$") ~= nil
    end
    if is_envelope then
      found[#found] = found[#found] .. line .. "\n"
    end
    if line == ">" then
      depth = depth - 1
      is_envelope = is_envelope and depth >= 2
    end
  end
  assert(depth == 0 and #found == #item.takes, "no item of so many takes: " .. text)
  -- REAPER makes the takes anew: what pointed to the old ones points to nothing
  for index, old in ipairs(item.takes) do
    local made = handle("MediaItem_Take", copy(old, { envelopes = found[index] }))
    item.active = item.active == old and made or item.active
    item.takes[index] = made
  end
  return true
end)
def("AddMediaItemToTrack", "MediaTrack", function(track) change() return fake.add_item(track) end)
def("AddTakeToMediaItem", "MediaItem", function(item)
  change()
  return fake.add_take(item, fake.sources_given and fake.source("EMPTY", "", 0, 0, 0) or nil)
end)
def("ColorToNative", "int int int", function(red, green, blue)
  return red | green << 8 | blue << 16
end)

def("Undo_BeginBlock2", "ReaProject", function()
  assert(not fake.block, "an undo block in an undo block")
  fake.block = fake.describe()
end)
def("Undo_EndBlock2", "ReaProject string int", function(_, name)
  assert(fake.block, "no undo block is open")
  if fake.describe() ~= fake.block then
    fake.undo[#fake.undo + 1] = name
  end
  fake.block = nil
end)
fake.refresh = 0
def("PreventUIRefresh", "int", function(step) fake.refresh = fake.refresh + step end)
def("UpdateArrange", "", function() end)
def("TrackList_AdjustWindows", "bool", function() end)

def("GetSet_LoopTimeRange2", "ReaProject bool bool number number bool", function(_, is_set)
  assert(not is_set, "the time selection is the user's")
  return fake.selection[1], fake.selection[2]
end)
def("GetUserInputs", "string int string string", function(_, n, captions, values)
  assert(captions:match("separator=\n"), "fields with commas would be torn")
  fake.offered = values
  local given = table.remove(fake.inputs, 1)
  return given ~= nil, given or values
end)
def("ShowMessageBox", "string string int", function(text) fake.boxes[#fake.boxes + 1] = text return 1 end)
def("ShowConsoleMsg", "string", function(text) fake.console[#fake.console + 1] = text end)
def("GetExtState", "string string", function(section, key) return fake.ext[section .. "/" .. key] or "" end)
def("SetExtState", "string string string bool", function(section, key, value)
  fake.ext[section .. "/" .. key] = value
end)
local function kept_in(of)
  fake.project_ext[of] = fake.project_ext[of] or {}
  return fake.project_ext[of]
end
def("SetProjExtState", "ReaProject string string string", function(of, section, key, value)
  local kept = kept_in(of)
  for index, each in ipairs(kept) do
    if each[1] == section and each[2] == key then
      table.remove(kept, index)
      break
    end
  end
  if value ~= "" then
    table.insert(kept, { section, key, value })
  end
  return #value
end)
def("MarkProjectDirty", "ReaProject", function(of) fake.dirty[of] = true end)
def("GetProjExtState", "ReaProject string string", function(of, section, key)
  for _, each in ipairs(kept_in(of)) do
    if each[1] == section and each[2] == key then
      return #each[3], each[3]
    end
  end
  return 0, ""
end)
def("EnumProjExtState", "ReaProject string int", function(of, section, index)
  local seen = -1
  for _, each in ipairs(kept_in(of)) do
    seen = seen + (each[1] == section and 1 or 0)
    if each[1] == section and seen == index then
      return true, each[2], each[3]
    end
  end
  return false, "", ""
end)
def("EnumProjects", "int", function(index)
  local found = index == -1 and fake.front or fake.projects[index + 1]
  return found, found == project and fake.project_file or ""
end)
def("ValidatePtr", "any string", function(thing, kind)
  assert(kind == "ReaProject*")
  for _, each in ipairs(fake.projects) do
    if each == thing then
      return true
    end
  end
  return false
end)
def("GetProjectPathEx", "ReaProject", function() return fake.project_path end)
def("GetOS", "", function() return fake.os end)
def("ExecProcess", "string int", function(command, timeout)
  assert(timeout < 0, "REAPER would stand still while it waits")
  fake.commands[#fake.commands + 1] = command
end)
def("EnumerateFiles", "string int", function(folder, index)
  if index == -1 then
    fake.files = fake.list(folder)
    return nil
  end
  return fake.files[index + 1]
end)
def("RecursiveCreateDirectory", "string int", function(folder) return fake.make_folder(folder) end)
def("Help_Set", "string bool", function(words) fake.help = words end)
def("atexit", "function", function(work) fake.at_exit[#fake.at_exit + 1] = work return true end)
def("ValidatePtr2", "ReaProject any string", function(of, thing, kind)
  assert(kind == "MediaItem*" or kind == "MediaItem_Take*")
  for _, item in ipairs(items(of)) do
    if kind == "MediaItem*" and item == thing then
      return true
    end
    for _, take in ipairs(item.takes) do
      if kind == "MediaItem_Take*" and take == thing then
        return true
      end
    end
  end
  return false
end)
def("APIExists", "string", function(name) return api[name] ~= nil end)
def("TimeMap_timeToQN_abs", "ReaProject number", function(_, time_s)
  local quarters = 0
  for index, each in ipairs(fake.tempos) do
    local until_s = fake.tempos[index + 1] and math.min(time_s, fake.tempos[index + 1][1]) or time_s
    quarters = quarters + math.max(until_s - each[1], 0) * each[2] / 60
  end
  return quarters
end)
def("time_precise", "", function() return fake.now_s end)
-- &1: a run while it runs already ends it; &2 with it: and starts it again; &2 alone: is ignored
def("set_action_options", "int", function(flag)
  assert(flag >= 0 and flag <= 15, "no such option")
  fake.action_options = flag
end)
def("defer", "function", function(work) fake.deferred[#fake.deferred + 1] = work return true end)

def("new_array", "int", function(size)
  assert(size > 0 and size <= 4000000)
  local array = { is_array = true, size = size }
  array.clear = function() for index = 1, size do array[index] = 0 end end
  array.table = function(from, n)
    assert(from >= 1 and from + n - 1 <= size)
    return table.move(array, from, from + n - 1, 1, {})
  end
  array.clear()
  return array
end)
def("CreateTakeAudioAccessor", "MediaItem_Take", function(take)
  fake.n_accessors = fake.n_accessors + 1
  return handle("AudioAccessor", { take = take, values = copy(take.numbers) })
end)
def("AudioAccessorStateChanged", "AudioAccessor", function(accessor)
  for name, value in pairs(accessor.values) do
    if accessor.take.numbers[name] ~= value then
      return true
    end
  end
  return false
end)
def("DestroyAudioAccessor", "AudioAccessor", function()
  fake.n_accessors = fake.n_accessors - 1
end)

local function frames_of(file)
  local found = assert(wav.read(file))
  local stream = io.open(file, "rb")
  stream:seek("set", found.start)
  local data = stream:read(found.n_samples * found.n_frame_bytes)
  stream:close()
  return found, function(index, channel)
    return (string.unpack("<f", data, index * found.n_frame_bytes + channel * 4 + 1))
  end
end

--- The take's audio before volume, fades and effects, at whole samples; time 0 is the item's start.
def("GetAudioAccessorSamples", "AudioAccessor int int number int array",
  function(accessor, rate, n_channels, start_s, n_samples, buffer)
    assert(n_samples * n_channels <= buffer.size, "the buffer is too small")
    fake.now_s = fake.now_s + fake.block_s
    local take = accessor.take
    if take.is_offline then
      return -1
    end
    local source = take.source
    local found, sample = frames_of((source.parent or source).file)
    assert(rate == found.sample_rate and n_channels == found.n_channels)
    local values, n = take.numbers, found.n_samples
    for index = 0, n_samples - 1 do
      local at_s = values.D_STARTOFFS + (start_s + index / rate) * values.D_PLAYRATE
      local at = math.floor(at_s * rate + 0.5)
      if take.item.numbers.B_LOOPSRC == 1 then
        at = at % n
      end
      for channel = 0, n_channels - 1 do
        local is_inside = at >= 0 and at < n
        buffer[index * n_channels + channel + 1] =
          is_inside and sample(source.is_reversed and n - 1 - at or at, channel) or 0
      end
    end
    return 1
  end)

--- Makes this REAPER one that has no function of this name.
function fake.lack(name)
  api[name] = nil
end

reaper = setmetatable({}, {
  __index = function(_, name) return api[name] or error("REAPER has no function " .. name, 2) end,
  __newindex = function() error("the reaper table is REAPER's own") end,
})

--- Ends all scripts that run, as REAPER and its user can.
function fake.end_scripts()
  fake.deferred = {}
  for _, work in ipairs(fake.at_exit) do
    work()
  end
  fake.at_exit = {}
end

--- What REAPER does when an action is run: false where it ignores that.
function fake.may_run()
  if #fake.deferred == 0 or fake.action_options & 3 == 0 then
    return true -- nothing runs, or the user answers that this is to be a new instance
  elseif fake.action_options & 1 == 0 then
    return false
  end
  fake.end_scripts()
  return fake.action_options & 2 ~= 0
end

--- Runs what was deferred once, as REAPER does some thirty times a second.
function fake.tick(seconds)
  fake.now_s = fake.now_s + seconds
  local due = fake.deferred
  fake.deferred = {}
  for _, work in ipairs(due) do work() end
  return #fake.deferred
end

return fake
