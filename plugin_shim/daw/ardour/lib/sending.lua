-- Selected regions as requests to the engine process.

local memory = require("memory")
local tempo = require("tempo")
local wav = require("wav")

local sending = {}

--- The files that a region plays, one for each channel or one with all of them.
local function files_of(region)
  local files = {}
  for channel = 0, region:to_audioregion():n_channels() - 1 do
    local source = region:source(channel):to_filesource()
    if source:isnil() then
      return nil
    end
    files[channel + 1] = source:path()
  end
  for index = 2, #files do
    if files[index] ~= files[1] then
      return files
    end
  end
  return { files[1] }
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

--- The gain line of a region as {samples after its start, factor} each; nil when it does nothing.
local function gain_line(audio)
  local line, is_flat = {}, true
  for point in audio:envelope():events():iter() do
    line[#line + 1] = { point.when:samples(), point.value }
    is_flat = is_flat and point.value == 1
  end
  return audio:envelope_active() and not is_flat and line or nil
end

--- Writes what a region plays, before its gain and fades, to a file; true, or nil and why not.
local function cut(region, to)
  if region:is_compound() then
    return nil, region:name() .. ": it is made of several regions; bounce it first"
  end
  local files = files_of(region)
  for _, path in ipairs(files or {}) do
    if not exists(path) then
      return nil, region:name() .. ": its file is missing: " .. path
    end
  end
  local source = files and wav.read(files[1])
  if not source then
    return nil, region:name() .. ": it is no WAV file; bounce the region first"
  elseif source.n_channels * #files ~= region:to_audioregion():n_channels() then
    return nil, region:name() .. ": it plays some channels of its file only; bounce it first"
  elseif source.sample_rate ~= Session:nominal_sample_rate() then
    return nil, string.format("%s: its file has %d Hz and the session %d; import it again",
      region:name(), source.sample_rate, Session:nominal_sample_rate())
  end
  local start = region:start():samples()
  local stop = start + region:length():samples()
  if stop > source.n_samples then
    return nil, region:name() .. ": it is longer than its file; bounce the region first"
  elseif #files == 1 then
    return wav.cut(files[1], source, start, stop, to)
  end
  return wav.join(files, start, stop, to)
end

local function track_of(region)
  local id = region:to_stateful():id()
  for route in Session:get_tracks():iter() do
    local found = route:to_track():playlist():region_by_id(id)
    if not found:isnil() then
      return route
    end
  end
end

--- Sends a region to the engine process; with a wish (see dialog) it is separated, without one it
--- only appears in the panel. Returns why not, or nothing when it is on its way.
function sending.send(desk, region, wish)
  local audio = region:to_audioregion()
  if audio:isnil() then
    return region:name() .. ": it is MIDI; bounce it to audio first"
  end
  local name = desk:new_name("ardour")
  local file = Session:path() .. "/externals/" .. name .. ".wav"
  local is_cut, why = cut(region, file)
  if not is_cut then
    return why
  end
  local rate, track = Session:nominal_sample_rate(), track_of(region)
  local position = region:position():samples()
  local track_name = track and track:name() or ""
  local request = {
    clip = {
      path = file, name = region:name(),
      origin = { host = "Ardour", project = Session:path(), track = track_name,
        position_s = position / rate, position_samples = position,
        tempo_bpm = tempo.of(position, position + region:length():samples(), rate) },
    },
  }
  if wish then
    request.prompt = { description = wish.description, spans = wish.spans }
    request.options = { n_candidates = wish.n_takes,
      output_folder = Session:path() .. "/StemLasso/" .. name }
  end
  local is_asked
  is_asked, why = desk:ask(name, request)
  if not is_asked then
    os.remove(file)
    return why
  end
  memory.keep(Session:path(), name, { position = position, track = track_name, file = file,
    gain = audio:scale_amplitude(), line = gain_line(audio), mutes = wish ~= nil and wish.mutes,
    is_shown = wish == nil, region = region:to_stateful():id():to_s() })
end

--- The selected regions, as a list.
function sending.selected()
  local regions = {}
  for region in Editor:get_selection().regions:regionlist():iter() do
    regions[#regions + 1] = region
  end
  return regions
end

--- Sends regions as `send` does; returns how many went, and why others did not.
function sending.send_all(desk, regions, wish)
  local refused = {}
  for _, region in ipairs(regions) do
    refused[#refused + 1] = sending.send(desk, region, wish)
  end
  return #regions - #refused, refused
end

return sending
