-- The selected items, as what to separate; or in words why an item cannot be.

local wav = require("wav")

local selection = {}

local FADES = {
  "D_FADEINLEN", "D_FADEOUTLEN", "D_FADEINLEN_AUTO", "D_FADEOUTLEN_AUTO",
  "D_FADEINDIR", "D_FADEOUTDIR", "C_FADEINSHAPE", "C_FADEOUTSHAPE", "C_BEATATTACHMODE",
}
local TAKE_MANNERS = { "D_PANLAW", "I_PITCHMODE" }
local SILENT_SOURCES = { MIDI = "it is MIDI", MIDIPOOL = "it is MIDI", EMPTY = "it holds no audio",
  CLICK = "it is a click source", LTC = "it is a timecode source" }
local MOST_CHANNELS = 32
local MOST_RENDERED_S = 1200
local NEAR_S = 1e-9

local function exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

local function root_of(source)
  local parent = reaper.GetMediaSourceParent(source)
  while parent do
    source, parent = parent, reaper.GetMediaSourceParent(parent)
  end
  return source
end

local function name_of(take, file)
  local _, name = reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", "", false)
  if name == "" then
    name = file:match("[^/\\]+$") or file
  end
  return (name:gsub("%.%w+$", ""))
end

--- What of the item's look and sound its stems take over.
function selection.manner_of(item, take)
  local manner = {
    item_volume = reaper.GetMediaItemInfo_Value(item, "D_VOL"),
    take_volume = reaper.GetMediaItemTakeInfo_Value(take, "D_VOL"),
    take_pan = reaper.GetMediaItemTakeInfo_Value(take, "D_PAN"),
    fades = {},
    take = {},
  }
  for _, field in ipairs(FADES) do
    manner.fades[field] = reaper.GetMediaItemInfo_Value(item, field)
  end
  for _, field in ipairs(TAKE_MANNERS) do
    manner.take[field] = reaper.GetMediaItemTakeInfo_Value(take, field)
  end
  return manner
end

--- Why the source must be rendered before it can be separated; nil when its file will do.
local function must_render(found, source, take)
  local length_s = reaper.GetMediaSourceLength(source)
  local end_s = found.offset_s + found.length_s * found.rate
  local slack_s = 1 / found.sample_rate
  if found.kind == "SECTION" or root_of(source) ~= source then
    return "it is reversed or a section"
  elseif found.is_looped and (found.offset_s < -NEAR_S or end_s > length_s + slack_s) then
    return "it is looped"
  elseif reaper.GetTakeNumStretchMarkers(take) > 0 then
    return "it has stretch markers"
  elseif not wav.read(found.file) then
    return "it is not linear PCM in a WAV file"
  end
  return nil
end

--- One item as a table, or nil and why it cannot be separated.
function selection.describe(project, item)
  local take = reaper.GetActiveTake(item)
  if not take then
    return nil, "an item without a take: there is no audio in it"
  elseif reaper.TakeIsMIDI(take) then
    return nil, "a MIDI item: render it to audio first"
  end
  local source = reaper.GetMediaItemTake_Source(take)
  local root = root_of(source)
  local kind, file = reaper.GetMediaSourceType(source), reaper.GetMediaSourceFileName(root)
  local name = name_of(take, file)
  if SILENT_SOURCES[kind] then
    return nil, name .. ": " .. SILENT_SOURCES[kind] .. "; render it to audio first"
  elseif file == "" then
    return nil, name .. ": it has no file; render it to audio first"
  elseif not exists(file) then
    return nil, name .. ": its file is missing: " .. file
  end
  local track = reaper.GetMediaItem_Track(item)
  local _, track_name = reaper.GetSetMediaTrackInfo_String(track, "P_NAME", "", false)
  local _, item_guid = reaper.GetSetMediaItemInfo_String(item, "GUID", "", false)
  local _, track_guid = reaper.GetSetMediaTrackInfo_String(track, "GUID", "", false)
  local _, take_guid = reaper.GetSetMediaItemTakeInfo_String(take, "GUID", "", false)
  local found = {
    project = project, item = item, take = take, item_guid = item_guid, take_guid = take_guid,
    track_guid = track_guid, track_name = track_name,
    name = name, kind = kind, file = file,
    position_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION"),
    length_s = reaper.GetMediaItemInfo_Value(item, "D_LENGTH"),
    is_looped = reaper.GetMediaItemInfo_Value(item, "B_LOOPSRC") == 1,
    offset_s = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS"),
    rate = reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE"),
    keeps_pitch = reaper.GetMediaItemTakeInfo_Value(take, "B_PPITCH"),
    pitch = reaper.GetMediaItemTakeInfo_Value(take, "D_PITCH"),
    channel_mode = reaper.GetMediaItemTakeInfo_Value(take, "I_CHANMODE"),
    sample_rate = math.floor(reaper.GetMediaSourceSampleRate(root)),
    n_channels = math.min(reaper.GetMediaSourceNumChannels(root), MOST_CHANNELS),
    manner = selection.manner_of(item, take),
  }
  if found.sample_rate < 1 or found.n_channels < 1 then
    return nil, name .. ": REAPER finds no audio in " .. file
  end
  if reaper.TakeFX_GetCount(take) > 0 then
    found.remark = name .. ": its take effects are not in what is sent, and not on the stems; copy "
      .. "them, or render the item first."
  end
  found.why_rendered = must_render(found, source, take)
  if found.why_rendered and found.length_s > MOST_RENDERED_S then
    return nil, string.format("%s: %s and longer than %d minutes; glue it first (Item: Glue items)",
      name, found.why_rendered, MOST_RENDERED_S // 60)
  end
  return found
end

--- All selected items of the project: a list of descriptions, and a list of refusals in words.
function selection.read(project)
  local found, refused = {}, {}
  for index = 0, reaper.CountMediaItems(project) - 1 do
    local item = reaper.GetMediaItem(project, index)
    if reaper.IsMediaItemSelected(item) then
      local one, why = selection.describe(project, item)
      if one then
        found[#found + 1] = one
      else
        refused[#refused + 1] = why
      end
    end
  end
  return found, refused
end

return selection
