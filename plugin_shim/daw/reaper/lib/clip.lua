-- The file that is sent for an item, and how the item lies in it.
--
-- A stretch of a WAV file is cut out bit for bit and keeps the file's own time base: the stems get
-- the item's play rate and pitch, and fit below it whatever these are. Anything else that REAPER
-- plays (reversed, looped, stretched, compressed) is rendered by REAPER as the item sounds, before
-- volume, fades and effects, at the rate of its file; its stems play at rate 1.
--
--     file     |------------------------------------|
--     cut          |=================|                first = floor(offset * sample_rate)
--     item          |---------------|                 offset in the cut: less than one sample

local turns = require("turns")
local wav = require("wav")

local clip = {}

local BLOCK_SAMPLES = 8192
local ROUNDING = 1e-6

local function cut_of(found, source)
  local rate = source.sample_rate
  local first = math.max(math.floor(found.offset_s * rate + ROUNDING), 0)
  local stop_s = found.offset_s + found.length_s * found.rate
  local stop = math.min(math.ceil(stop_s * rate - ROUNDING), source.n_samples)
  return first, stop
end

local unfinished = {} -- what to take away when the script is ended in the middle

--- Takes away what is not finished: REAPER's accessor and the beginning of a file.
function clip.drop_unfinished()
  if unfinished.accessor then
    reaper.DestroyAudioAccessor(unfinished.accessor)
  end
  if unfinished.file then
    os.remove(unfinished.file)
  end
  unfinished = {}
end

local function percent(share)
  return string.format("%d %%", math.floor(100 * share))
end

local function has_guid(getter, thing, guid)
  local _, own = getter(thing, "GUID", "", false)
  return own == guid
end

--- Why what was described cannot be rendered any more; nil while it can. REAPER uses addresses
--- again, so the ids count.
local function why_gone(found, accessor)
  local is_item = reaper.ValidatePtr2(found.project, found.item, "MediaItem*")
  if not reaper.ValidatePtr(found.project, "ReaProject*") then
    return found.name .. ": its project was closed before it was rendered"
  elseif not is_item or not has_guid(reaper.GetSetMediaItemInfo_String, found.item, found.item_guid) then
    return found.name .. ": it was deleted before it was rendered"
  end
  local is_same = reaper.ValidatePtr2(found.project, found.take, "MediaItem_Take*")
    and has_guid(reaper.GetSetMediaItemTakeInfo_String, found.take, found.take_guid)
    and reaper.GetMediaItemInfo_Value(found.item, "D_LENGTH") == found.length_s
    and reaper.GetMediaItemTakeInfo_Value(found.take, "D_STARTOFFS") == found.offset_s
    and reaper.GetMediaItemTakeInfo_Value(found.take, "D_PLAYRATE") == found.rate
  if not is_same or (accessor and reaper.AudioAccessorStateChanged(accessor)) then
    return found.name .. ": it was changed before it was rendered; use it again"
  end
  return nil
end

local function blocks_of(accessor, found, n_samples)
  local buffer = reaper.new_array(BLOCK_SAMPLES * found.n_channels)
  local n_done, problem = 0, nil
  local function next_block()
    if turns.pause("REAPER renders " .. found.name .. ": " .. percent(n_done / n_samples)) then
      problem = why_gone(found, accessor)
    end
    if n_done >= n_samples or problem then
      return nil
    end
    local n = math.min(BLOCK_SAMPLES, n_samples - n_done)
    buffer.clear()
    local answer = reaper.GetAudioAccessorSamples(accessor, found.sample_rate, found.n_channels,
      n_done / found.sample_rate, n, buffer)
    if answer < 0 then
      problem = found.name .. ": REAPER cannot read its audio; is the media offline?"
      return nil
    end
    n_done = n_done + n
    return buffer.table(1, n * found.n_channels)
  end
  return next_block, function() return problem end
end

local function render(found, to)
  local n_samples = math.floor(found.length_s * found.sample_rate + 0.5)
  if n_samples < 1 then
    return nil, found.name .. ": it is shorter than a sample"
  end
  local gone = why_gone(found, nil) -- it may have waited while others were rendered
  if gone then
    return nil, gone
  end
  local accessor = reaper.CreateTakeAudioAccessor(found.take)
  if not accessor then
    return nil, found.name .. ": REAPER gives no audio for it; glue it first (Item: Glue items)"
  end
  local part = to .. ".part"
  unfinished = { accessor = accessor, file = part }
  local next_block, problem = blocks_of(accessor, found, n_samples)
  local is_written, why =
    wav.write_float(part, found.sample_rate, found.n_channels, n_samples, next_block)
  if is_written and not problem() then
    found.position_s = reaper.GetMediaItemInfo_Value(found.item, "D_POSITION") -- now
    is_written, why = os.rename(part, to)
  end
  clip.drop_unfinished()
  return is_written and not problem(), problem() or why
end

--- A name that every system lets a file have, of at most 80 bytes and whole letters.
local function clean(name)
  local n_bytes = 80
  name = name:gsub('[%c<>:"/\\|?*]', " ")
  while n_bytes < #name and name:byte(n_bytes + 1) & 0xC0 == 0x80 do
    n_bytes = n_bytes - 1
  end
  name = name:sub(1, n_bytes):gsub("[ .]+$", "") -- Windows drops them
  return name == "" and "clip" or name
end

--- Where the item's file lies: the item's own, or a new one in `folder`. A table with `file`,
--- `offset_s` (of the item in it), `rate`, `keeps_pitch`, `pitch`, `channel_mode`, `duration_s` and
--- `start_s` (of the file's first sample on the timeline); or nil and why there is none.
function clip.of(found, folder)
  local to = folder .. "/" .. clean(found.name) .. ".wav"
  if found.why_rendered then
    reaper.RecursiveCreateDirectory(folder, 0)
    local is_rendered, why = render(found, to)
    if not is_rendered then
      return nil, why
    end
    return { file = to, offset_s = 0, rate = 1, keeps_pitch = 1, pitch = 0, channel_mode = 0,
      start_s = found.position_s, duration_s = found.length_s }
  end
  local source = wav.read(found.file)
  local first, stop = cut_of(found, source)
  if stop <= first then
    return nil, found.name .. ": it lies beyond the end of its file; there is no audio in it"
  end
  local made = { file = found.file, rate = found.rate, keeps_pitch = found.keeps_pitch,
    pitch = found.pitch, channel_mode = found.channel_mode }
  if first > 0 or stop < source.n_samples then
    reaper.RecursiveCreateDirectory(folder, 0)
    local part = to .. ".part"
    unfinished = { file = part }
    local is_cut, why = wav.cut(found.file, source, first, stop, part, function(share)
      turns.pause("copying " .. found.name .. ": " .. percent(share))
    end)
    if is_cut then
      is_cut, why = os.rename(part, to)
    end
    clip.drop_unfinished()
    if not is_cut then
      return nil, why
    end
    made.file = to
  end
  made.offset_s = found.offset_s - first / source.sample_rate
  made.start_s = found.position_s - made.offset_s / found.rate
  made.duration_s = (stop - first) / source.sample_rate
  return made
end

--- Seconds after the item's start, as seconds in the file of `made`.
function clip.time_in(made, item_s)
  return math.min(math.max(made.offset_s + item_s * made.rate, 0), made.duration_s)
end

return clip
