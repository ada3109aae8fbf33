-- What the stand-in for REAPER (fake_reaper.lua) knows of: projects, tracks, items, takes, sources.

local wav = require("wav")

local fake = { tracks = {}, boxes = {}, console = {}, commands = {}, inputs = {}, undo = {},
  deferred = {}, ext = {}, project_ext = {}, files = {}, now_s = 0, calls = {}, os = "Other",
  selection = { 0, 0 }, project_path = "", project_file = "", n_accessors = 0, block = nil,
  front = nil, run_commands = {}, action_options = 0, loose_sources = {}, sources_given = true,
  missing_fields = {}, tempos = { { 0, 120 } }, dirty = {}, at_exit = {}, help = "", block_s = 0 }
local project = setmetatable({}, { __name = "ReaProject" })
fake.project, fake.front, fake.projects = project, project, { project }

--- Opens another project, which is empty, in a tab behind.
function fake.open_another()
  fake.projects[#fake.projects + 1] = setmetatable({}, { __name = "ReaProject" })
  return fake.projects[#fake.projects]
end

local n_guids = 0
local function guid()
  n_guids = n_guids + 1
  return string.format("{%08X-0000-0000-0000-000000000000}", n_guids)
end

local function handle(kind, values)
  return setmetatable(values, { __name = kind, __metatable = kind })
end

local TRACK_VALUES = { D_VOL = 1, D_PAN = 0, I_FOLDERDEPTH = 0, I_CUSTOMCOLOR = 0, B_MUTE = 0,
  B_PHASE = 0, I_NCHAN = 2, I_PANMODE = -1, D_WIDTH = 1, D_DUALPANL = -1, D_DUALPANR = 1,
  D_PANLAW = -1, I_PANLAW_FLAGS = -1, C_BEATATTACHMODE = -1 }
local ITEM_VALUES = { D_POSITION = 0, D_LENGTH = 0, D_VOL = 1, B_LOOPSRC = 1, B_MUTE = 0,
  D_FADEINLEN = 0.01, D_FADEOUTLEN = 0.01, D_FADEINLEN_AUTO = -1, D_FADEOUTLEN_AUTO = -1,
  D_FADEINDIR = 0, D_FADEOUTDIR = 0, C_FADEINSHAPE = 0, C_FADEOUTSHAPE = 0,
  C_BEATATTACHMODE = -1 }
local TAKE_VALUES = { D_STARTOFFS = 0, D_PLAYRATE = 1, B_PPITCH = 1, D_PITCH = 0, D_VOL = 1,
  D_PAN = 0, I_CHANMODE = 0, D_PANLAW = -1, I_PITCHMODE = -1 }

local function copy(values, changes)
  local made = {}
  for name, value in pairs(values) do made[name] = value end
  for name, value in pairs(changes or {}) do made[name] = value end
  return made
end

local function field(values, name)
  if values[name] == nil then
    error("REAPER has no field " .. tostring(name), 3)
  end
  return name
end

-- The scene -------------------------------------------------------------------------------------

function fake.track(name, values)
  local track = handle("MediaTrack", { strings = { P_NAME = name, GUID = guid() },
    numbers = copy(TRACK_VALUES, values), items = {} })
  fake.tracks[#fake.tracks + 1] = track
  return track
end

function fake.source(kind, file, length_s, rate, n_channels)
  return handle("PCM_source", { kind = kind, file = file, length_s = length_s, rate = rate,
    n_channels = n_channels })
end

function fake.wave(file)
  local found = wav.read(file)
  if found then
    return fake.source("WAVE", file, found.n_samples / found.sample_rate, found.sample_rate,
      found.n_channels)
  end
end

function fake.reversed(source)
  local made = fake.source("SECTION", "", source.length_s, 0, 0)
  made.parent, made.is_reversed = source, true
  return made
end

function fake.add_take(item, source, name, values)
  local take = handle("MediaItem_Take", { item = item, source = source, envelopes = "",
    strings = { P_NAME = name or "", GUID = guid() }, numbers = copy(TAKE_VALUES, values),
    n_markers = 0, n_effects = 0 })
  item.takes[#item.takes + 1] = take
  item.active = item.active or take
  return take
end

function fake.add_item(track, values)
  local item = handle("MediaItem", { track = track, strings = { GUID = guid() },
    numbers = copy(ITEM_VALUES, values), takes = {}, is_selected = false })
  track.items[#track.items + 1] = item
  return item
end

--- Everything about the project that undo covers, as one text.
function fake.describe()
  local lines = {}
  local function put(indent, values)
    local names = {}
    for name in pairs(values) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
      lines[#lines + 1] = indent .. name .. " " .. tostring(values[name])
    end
  end
  for _, track in ipairs(fake.tracks) do
    put("", track.strings) put("", track.numbers)
    for _, item in ipairs(track.items) do
      put("  ", item.strings) put("  ", item.numbers)
      for _, take in ipairs(item.takes) do
        put("    ", take.strings) put("    ", take.numbers)
        lines[#lines + 1] = take.envelopes
        lines[#lines + 1] = "    " .. (take.source and take.source.file or "")
          .. tostring(item.active == take)
      end
    end
  end
  return table.concat(lines, "\n")
end

--- As the user does it: what pointed there points to nothing.
function fake.delete_item(item)
  for index, each in ipairs(item.track.items) do
    if each == item then
      table.remove(item.track.items, index)
    end
  end
end

function fake.is_active(take)
  return take.item.active == take
end

local function change()
  if not fake.block then
    error("a change outside an undo block", 3)
  end
end

-- For the API only.
fake.model = { handle = handle, copy = copy, field = field, change = change, project = project }

return fake
