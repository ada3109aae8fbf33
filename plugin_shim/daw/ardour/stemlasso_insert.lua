ardour {
  ["type"] = "EditorAction",
  name = "StemLasso: insert finished stems",
  license = "GPL",
  author = "The StemLasso authors",
  description = [[Puts the stems that "StemLasso: separate selected regions" asked for on new tracks
below the original, at its place. The original stays as it is.]]
}

-- Ardour keeps `factory` alone, as byte code: everything has to be inside of it.
function factory () return function ()
  -- the modules are put in here when it is installed
  local exchange = require("exchange")
  local memory = require("memory")
  local shell = require("shell")

  local function show(text)
    LuaDialog.Message("StemLasso", text, LuaDialog.MessageType.Info,
      LuaDialog.ButtonType.Close):run()
  end

  local function exists(path)
    local file = io.open(path, "rb")
    if file then
      file:close()
    end
    return file ~= nil
  end

  local function order_below(name)
    for route in Session:get_tracks():iter() do
      if route:name() == name then
        return route:presentation_info_ptr():order() + 1
      end
    end
    return ARDOUR.PresentationInfo.max_order
  end

  local function region_of(id)
    for region in ARDOUR.RegionFactory.regions():iter() do
      if region:to_stateful():id():to_s() == id then
        return region
      end
    end
  end

  --- Imports one stem to a new track of its own; gives the track and its region, or nil.
  local function import(stem, order, position)
    local made = Session:new_audio_track(stem.n_channels, stem.n_channels, nil, 1, stem.track,
      order, ARDOUR.TrackMode.Normal, true)
    if made:empty() then
      return nil
    end
    local route = made:front() -- Ardour selects a new track, and imports to the selected one
    local files = C.StringVector()
    files:push_back(stem.file)
    Editor:do_import(files, Editing.ImportDistinctFiles, Editing.ImportToTrack,
      ARDOUR.SrcQuality.SrcBest, ARDOUR.MidiTrackNameSource.SMFTrackName,
      ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore, Temporal.timepos_t(position),
      ARDOUR.PluginInfo(), ARDOUR.Track(), false)
    for region in route:playlist():region_list():iter() do
      return route, region
    end
  end

  local function place(manifest, record)
    for _, stem in ipairs(manifest.stems) do
      if not exists(stem.file) then
        return "a stem is gone: " .. stem.file
      end
    end
    local order = order_below(record.track)
    for number, stem in ipairs(manifest.stems) do
      local route, region = import(stem, order + number - 1, record.position)
      if not route then
        return "Ardour did not import " .. stem.file
      end
      route:presentation_info_ptr():set_color(tonumber(stem.colour:sub(2), 16) << 8 | 0xff)
      region:set_name(stem.name)
      region:to_audioregion():set_scale_amplitude(record.gain * 10 ^ ((stem.gain_db or 0) / 20))
      region:set_muted(stem.mute or false)
    end
    local original = record.mutes and region_of(record.region)
    if original then
      original:set_muted(true)
    end
  end

  --- Places one manifest; returns why not, or nothing when its stems are there.
  local function insert(desk, path, record)
    local manifest, why = desk:manifest(path)
    if manifest and manifest.host ~= "Ardour" then
      return nil
    end
    why = manifest and place(manifest, record) or why
    if manifest and not why then
      desk:forget_manifest(manifest.job_id)
    end
    return why
  end

  --- What became of a request: "waiting", "placed" or "shown" in the panel; nil and why it failed.
  local function settle(desk, name, record)
    local answer = desk:answer(name)
    if not answer and record.is_shown then
      return "shown" -- its answer was read before
    elseif not answer or answer.state == "queued" then
      return "waiting"
    end
    desk:forget_answer(name)
    if answer.state ~= "done" then
      memory.keep(Session:path(), name, nil)
      return nil, answer.error and answer.error.message or "it was cancelled"
    elseif record.is_shown then
      return "shown" -- kept: the panel may make stems of it more than once
    end
    memory.keep(Session:path(), name, nil)
    local why = insert(desk, answer.manifest, record)
    return not why and "placed" or nil, why
  end

  --- Places what the panel made of regions that were shown there.
  local function insert_shown(desk, shown, refused)
    local n_placed = 0
    for _, name in ipairs(next(shown) and shell.names(desk.outbox) or {}) do
      if name:match("^[^.].*%.timeline%.json$") then
        local path = desk.outbox .. "/" .. name
        local manifest = desk:manifest(path)
        local record = manifest and shown[manifest.parent.file]
        if record then
          local why = insert(desk, path, record)
          refused[#refused + 1] = why
          n_placed = n_placed + (why and 0 or 1)
        end
      end
    end
    return n_placed
  end

  local function main()
    local desk = exchange.open(SETTINGS.store)
    local counts, shown, refused = { waiting = 0, placed = 0, shown = 0 }, {}, {}
    for name, record in pairs(memory.all(Session:path())) do
      local state, why = settle(desk, name, record)
      refused[#refused + 1] = why
      if state then
        counts[state] = counts[state] + 1
      end
      if state == "shown" then
        shown[record.file] = record
      end
    end
    local n_placed = counts.placed + insert_shown(desk, shown, refused)
    if #refused > 0 then
      show(table.concat(refused, "\n"))
    elseif n_placed == 0 then
      show(counts.waiting + counts.shown > 0 and "Not finished yet; run this again in a while."
        or "Nothing was asked for in this session.")
    end
  end

  local is_well, why = pcall(main) -- Ardour takes a script off whose error gets out
  if not is_well then
    show(why)
  end
end end
