-- Stems onto new tracks under the original: one undo step, and the original stays as it is.
--
--     Drums                    the original (muted only when asked for)
--     Drums stems       \      a folder, with the original track's volume and pan
--       snare            |     target; other takes of it are takes of its item
--       snare (residual) /

local envelopes = require("envelopes")
local selection = require("selection")

local place = {}

local BUILD_MISSING_PEAKS = 40047 -- REAPER's own action, which goes on in the background
local EVERYTHING, NOTHING = -1, 0 -- of REAPER's undo flags
local MARK = "P_EXT:StemLasso"
local CUSTOM_COLOUR = 0x1000000
local FREE_S = 1e-9
-- What else the original's track does to the sum: only now does the folder sound as the track does.
-- The kind of pan stands first, as the others mean something only with it.
local MANNERS = { "I_PANMODE", "D_WIDTH", "D_DUALPANL", "D_DUALPANR", "D_PANLAW", "I_PANLAW_FLAGS",
  "B_PHASE", "I_NCHAN", "D_VOL", "D_PAN" }
local TIMEBASE = "C_BEATATTACHMODE"
local NO_PAN_LAW = 1 -- nothing is taken away in the centre

local function string_of(track, field)
  local _, text = reaper.GetSetMediaTrackInfo_String(track, field, "", false)
  return text
end

local function set_string(track, field, text)
  reaper.GetSetMediaTrackInfo_String(track, field, text, true)
end

local function tracks_of(project)
  local index = -1
  return function()
    index = index + 1
    local track = reaper.GetTrack(project, index)
    return track, track and index
  end
end

local function find_track(project, field, text)
  if not text or text == "" then
    return nil
  end
  for track, index in tracks_of(project) do
    if string_of(track, field) == text then
      return track, index
    end
  end
  return nil
end

local function find_item(project, guid)
  for index = 0, reaper.CountMediaItems(project) - 1 do
    local item = reaper.GetMediaItem(project, index)
    local _, own = reaper.GetSetMediaItemInfo_String(item, "GUID", "", false)
    if own == guid then
      return item
    end
  end
  return nil
end

local function depth_of(track)
  return reaper.GetMediaTrackInfo_Value(track, "I_FOLDERDEPTH")
end

local function colour_of(text)
  local red, green, blue = tostring(text):match("^#(%x%x)(%x%x)(%x%x)$")
  if not red then
    return 0
  end
  return reaper.ColorToNative(tonumber(red, 16), tonumber(green, 16), tonumber(blue, 16))
    | CUSTOM_COLOUR
end

local function new_track(project, plan, index, name, mark, colour)
  reaper.InsertTrackAtIndex(index, false) -- default effects would change the sum
  local track = reaper.GetTrack(project, index)
  plan.tracks[#plan.tracks + 1] = track
  set_string(track, "P_NAME", name)
  set_string(track, MARK, mark)
  if colour then
    reaper.SetMediaTrackInfo_Value(track, "I_CUSTOMCOLOR", colour_of(colour))
  end
  return track
end

--- Copies a field of a track, where this REAPER has it.
local function copy_field(from, to, field)
  local value = reaper.GetMediaTrackInfo_Value(from, field)
  if value ~= reaper.GetMediaTrackInfo_Value(to, field) then
    reaper.SetMediaTrackInfo_Value(to, field, value)
  end
end

--- The folder's pan law is the track's own: a second one on the way to it would take twice.
local function new_stem_track(project, plan, index, lane, mark, original)
  local track = new_track(project, plan, index, lane.name, mark, lane.colour)
  if original then
    copy_field(original, track, "I_NCHAN")
    copy_field(original, track, TIMEBASE)
  end
  reaper.SetMediaTrackInfo_Value(track, "D_PANLAW", NO_PAN_LAW)
  return track
end

--- The folder for stems of the original track, made below it when there is none yet.
local function folder_for(project, plan)
  local mark = "folder " .. plan.origin
  local folder, index = find_track(project, MARK, mark)
  local original, original_index = find_track(project, "GUID", plan.track_guid)
  if folder and depth_of(folder) == 1 then
    return folder, index, false, original
  end
  index = original and original_index + 1 or reaper.CountTracks(project)
  folder = new_track(project, plan, index, plan.folder_name, mark)
  if original then
    for _, field in ipairs(MANNERS) do
      copy_field(original, folder, field)
    end
  end
  reaper.SetMediaTrackInfo_Value(folder, "I_FOLDERDEPTH", 1)
  return folder, index, true, original
end

local function is_free(track, start_s, end_s)
  for index = 0, reaper.CountTrackMediaItems(track) - 1 do
    local item = reaper.GetTrackMediaItem(track, index)
    local own_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
    local own_end_s = own_s + reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
    if start_s < own_end_s - FREE_S and end_s > own_s + FREE_S then
      return false
    end
  end
  return true
end

--- A track in the folder for each name in `lanes`; one with room there is used again.
local function tracks_for(project, plan, lanes)
  local folder, folder_index, is_new, original = folder_for(project, plan)
  local last
  local n_new = 0
  for _, lane in ipairs(lanes) do
    local mark = "stem " .. plan.origin .. " " .. lane.name
    local there = find_track(project, MARK, mark)
    if there and reaper.GetParentTrack(there) == folder
        and is_free(there, plan.position_s, plan.position_s + plan.length_s) then
      lane.track = there
    else
      n_new = n_new + 1
      lane.track = new_stem_track(project, plan, folder_index + n_new, lane, mark, original)
      last = lane.track
    end
  end
  if is_new then
    -- where the original closed folders, the last stem now does: all stay in the same folder
    local closes = original and math.min(depth_of(original), 0) or 0
    if closes < 0 then
      plan.reopened, plan.depth = original, closes
      reaper.SetMediaTrackInfo_Value(original, "I_FOLDERDEPTH", 0)
    end
    reaper.SetMediaTrackInfo_Value(last, "I_FOLDERDEPTH", closes - 1)
  end
end

--- Gives a new take its source. The one it may have had is nobody's then.
local function give_source(take, source)
  local before = reaper.GetMediaItemTake_Source(take)
  reaper.SetMediaItemTake_Source(take, source)
  if before then
    reaper.PCM_Source_Destroy(before)
  end
end

local function set_take(item, stem, plan, lane, index)
  local take = reaper.AddTakeToMediaItem(item)
  give_source(take, lane.sources[index])
  lane.sources[index] = false -- the take's now
  reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", stem.name, true)
  reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", plan.offset_s)
  reaper.SetMediaItemTakeInfo_Value(take, "D_PLAYRATE", plan.rate)
  reaper.SetMediaItemTakeInfo_Value(take, "B_PPITCH", plan.keeps_pitch)
  reaper.SetMediaItemTakeInfo_Value(take, "D_PITCH", plan.pitch)
  reaper.SetMediaItemTakeInfo_Value(take, "I_CHANMODE", plan.channel_mode)
  local gain = 10 ^ ((stem.gain_db or 0) / 20)
  reaper.SetMediaItemTakeInfo_Value(take, "D_VOL", plan.manner.take_volume * gain)
  reaper.SetMediaItemTakeInfo_Value(take, "D_PAN", plan.manner.take_pan)
  for field, value in pairs(plan.manner.take or {}) do
    reaper.SetMediaItemTakeInfo_Value(take, field, value)
  end
  return take
end

local function fill(lane, plan)
  local item = reaper.AddMediaItemToTrack(lane.track)
  plan.items[#plan.items + 1] = { lane.track, item }
  reaper.SetMediaItemInfo_Value(item, "D_POSITION", plan.position_s)
  reaper.SetMediaItemInfo_Value(item, "D_LENGTH", plan.length_s)
  reaper.SetMediaItemInfo_Value(item, "B_LOOPSRC", 0)
  reaper.SetMediaItemInfo_Value(item, "D_VOL", plan.manner.item_volume)
  for field, value in pairs(plan.manner.fades) do
    reaper.SetMediaItemInfo_Value(item, field, value)
  end
  local first
  for index, stem in ipairs(lane.stems) do
    local take = set_take(item, stem, plan, lane, index)
    first = first or take
  end
  reaper.SetActiveTake(first)
  if plan.envelopes ~= "" then -- last of all: REAPER makes the item's takes anew of its text
    local _, text = reaper.GetItemStateChunk(item, "", false)
    reaper.SetItemStateChunk(item, envelopes.put(text, plan.envelopes), false)
  end
end

local function find_take(item, guid)
  for index = 0, reaper.CountTakes(item) - 1 do
    local take = reaper.GetTake(item, index)
    if take then
      local _, own = reaper.GetSetMediaItemTakeInfo_String(take, "GUID", "", false)
      if own == guid then
        return take
      end
    end
  end
  return nil
end

--- As the item lies now: it may have been moved, trimmed or sped up since it was sent, and the stems
--- lie where the audio lies that they were made of.
local function follow(plan, record, item)
  plan.position_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  local take = find_take(item, record.take_guid)
  if not take then
    return
  end
  local rate = reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
  local trimmed_s = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS") - record.take_offset_s
  plan.position_s = plan.position_s - trimmed_s / rate
  plan.manner = selection.manner_of(item, take)
  if not record.is_rendered then
    plan.length_s, plan.rate = record.length_s * record.take_rate / rate, rate
    plan.keeps_pitch = reaper.GetMediaItemTakeInfo_Value(take, "B_PPITCH")
    plan.pitch = reaper.GetMediaItemTakeInfo_Value(take, "D_PITCH")
    plan.channel_mode = reaper.GetMediaItemTakeInfo_Value(take, "I_CHANMODE")
  end
  if plan.position_s < 0 then -- its stems would begin before the project
    plan.offset_s = plan.offset_s - plan.position_s * plan.rate
    plan.length_s, plan.position_s = plan.length_s + plan.position_s, 0
  end
  local _, text = reaper.GetItemStateChunk(item, "", false)
  local scale = record.is_rendered and 1 / record.take_rate or 1
  plan.envelopes =
    envelopes.of(text, record.take_guid, not record.is_rendered, trimmed_s, scale)
end

--- Takes back everything that was added.
local function undo(plan)
  for index = #plan.items, 1, -1 do
    reaper.DeleteTrackMediaItem(plan.items[index][1], plan.items[index][2])
  end
  for index = #plan.tracks, 1, -1 do
    reaper.DeleteTrack(plan.tracks[index])
  end
  if plan.reopened then
    reaper.SetMediaTrackInfo_Value(plan.reopened, "I_FOLDERDEPTH", plan.depth)
  end
end

--- Where everything goes: as the item lies now, as it lay when it was sent, or as the manifest says.
local function plan_of(project, manifest, record)
  local parent, stem = manifest.parent, manifest.stems[1]
  if not record then
    local track = find_track(project, "P_NAME", parent.track)
    return {
      position_s = math.max(parent.start_s, 0), length_s = stem.length_s,
      offset_s = math.max(-parent.start_s, 0), rate = 1, keeps_pitch = 1, pitch = 0,
      channel_mode = 0, manner = { item_volume = 1, take_volume = 1, take_pan = 0, fades = {} },
      folder_name = manifest.group .. " stems", origin = parent.track .. "/" .. manifest.group,
      track_guid = track and string_of(track, "GUID"), tracks = {}, items = {}, envelopes = "",
    }
  end
  local item = find_item(project, record.item_guid)
  local plan = setmetatable({ item = item, origin = record.track_guid, tracks = {}, items = {},
    envelopes = "" }, { __index = record })
  local named = record.track_name ~= "" and record.track_name or manifest.group
  plan.folder_name = named .. " stems"
  if item then
    follow(plan, record, item)
    local track = reaper.GetMediaItem_Track(item)
    plan.track_guid = string_of(track, "GUID")
    plan.origin = plan.track_guid
  end
  return plan
end

--- Sources that no take has are destroyed by whoever opened them.
local function drop_sources(lanes)
  for _, lane in ipairs(lanes) do
    for _, source in ipairs(lane.sources) do
      if source then
        reaper.PCM_Source_Destroy(source)
      end
    end
  end
end

--- The tracks that a manifest asks for, with their sources opened; nil and why when one is missing.
local function lanes_of(manifest)
  local lanes, target = {}, nil
  for _, stem in ipairs(manifest.stems) do
    local source = reaper.PCM_Source_CreateFromFile(stem.file)
    if not source then
      drop_sources(lanes)
      return nil, "a stem is gone or cannot be read: " .. stem.file
    end
    if stem.role == "candidate" and target then
      target.stems[#target.stems + 1], target.sources[#target.sources + 1] = stem, source
    else
      local lane = { name = stem.track, colour = stem.colour, stems = { stem },
        sources = { source } }
      lanes[#lanes + 1] = lane
      target = target or (stem.role == "target" and lane or nil)
    end
  end
  if #lanes == 0 then
    return nil, "the manifest of job " .. tostring(manifest.job_id) .. " has no stems"
  end
  return lanes
end

--- Places the stems of a manifest. record: how the item lay (see memory), or nil.
--- Returns true, or nil and why not; then the project is as it was, without an undo step.
function place.stems(project, manifest, record)
  local lanes, why = lanes_of(manifest)
  if not lanes then
    return nil, why
  end
  local is_planned, plan = xpcall(plan_of, debug.traceback, project, manifest, record)
  if not is_planned then
    drop_sources(lanes)
    error(plan, 0)
  end
  reaper.Undo_BeginBlock2(project)
  reaper.PreventUIRefresh(1)
  local is_well, trace = xpcall(function()
    tracks_for(project, plan, lanes)
    for _, lane in ipairs(lanes) do
      fill(lane, plan)
    end
    if plan.item and record.mutes then
      reaper.SetMediaItemInfo_Value(plan.item, "B_MUTE", 1)
    end
  end, debug.traceback)
  if not is_well then
    pcall(undo, plan)
    pcall(drop_sources, lanes)
  end
  reaper.PreventUIRefresh(-1)
  reaper.TrackList_AdjustWindows(false)
  reaper.UpdateArrange()
  reaper.Undo_EndBlock2(project, "StemLasso: insert stems of " .. manifest.group,
    is_well and EVERYTHING or NOTHING)
  if not is_well then
    error(trace, 0)
  end
  reaper.Main_OnCommandEx(BUILD_MISSING_PEAKS, 0, project)
  return true
end

return place
