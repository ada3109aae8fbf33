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
  local action = require("action")
  local exchange = require("exchange")
  local memory = require("memory")
  local shell = require("shell")

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
    for route in Session:get_tracks():iter() do
      for region in route:to_track():playlist():region_list():iter() do
        if region:to_stateful():id():to_s() == id then
          return region
        end
      end
    end
  end

  --- All regions of the session, those on no track as well, by their id.
  local function regions_by_id()
    local found = {}
    for id, region in ARDOUR.RegionFactory.regions():iter() do
      found[id:to_s()] = region
    end
    return found
  end

  --- Imports a file into the session's list of regions; gives its region, or nil.
  local function import(path)
    local before, files = regions_by_id(), C.StringVector()
    files:push_back(path)
    Editor:do_import(files, Editing.ImportDistinctFiles, Editing.ImportAsRegion,
      ARDOUR.SrcQuality.SrcBest, ARDOUR.MidiTrackNameSource.SMFTrackName,
      ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore, Temporal.timepos_t(0),
      ARDOUR.PluginInfo(), ARDOUR.Track(), false)
    for id, region in pairs(regions_by_id()) do
      if not before[id] then
        return region
      end
    end
  end

  --- Puts an imported stem on a new track of its own; gives the track and the region, or nil.
  local function lay(whole, stem, order, position)
    -- two outputs at least: a single one would play on the left alone
    local made = Session:new_audio_track(stem.n_channels, math.max(stem.n_channels, 2), nil, 1,
      stem.track, order, ARDOUR.TrackMode.Normal, true)
    if made:empty() then
      return nil
    end
    local route, region = made:front(), ARDOUR.RegionFactory.clone_region(whole, true, false)
    local playlist = route:to_track():playlist()
    playlist:to_stateful():clear_changes()
    playlist:add_region(region, Temporal.timepos_t(position), 1, false)
    Session:add_stateful_diff_command(playlist:to_statefuldestructible())
    return route, region
  end

  --- Gives a region the gain line that its original had, if it had one.
  local function set_gain_line(audio, line)
    if line then
      local envelope = audio:envelope()
      envelope:clear_list()
      for _, point in ipairs(line) do
        envelope:list():add(Temporal.timepos_t(math.floor(point[1])), point[2], false, false)
      end
      audio:set_envelope_active(true)
    end
  end

  local function mute(region)
    region:to_stateful():clear_changes()
    region:set_muted(true)
    Session:add_stateful_diff_command(region:to_statefuldestructible())
  end

  --- Puts imported stems on tracks of their own; returns why not.
  local function lay_all(wholes, manifest, record)
    local order = order_below(record.track)
    for number, stem in ipairs(manifest.stems) do
      local route, region = lay(wholes[number], stem, order + number - 1, record.position)
      if not route then
        return "Ardour made no track for " .. stem.file
      end
      route:presentation_info_ptr():set_color(tonumber(stem.colour:sub(2), 16) << 8 | 0xff)
      region:set_name(stem.name)
      region:to_audioregion():set_scale_amplitude(record.gain * 10 ^ ((stem.gain_db or 0) / 20))
      set_gain_line(region:to_audioregion(), record.line)
      region:set_muted(stem.mute or false)
    end
    local original = record.mutes and region_of(record.region)
    if original then
      mute(original)
    end
  end

  --- Places one manifest as one step that can be undone; returns why not. Only the new tracks, then
  --- empty, stay after that.
  local function place(manifest, record)
    local wholes = {}
    for number, stem in ipairs(manifest.stems) do
      wholes[number] = exists(stem.file) and import(stem.file) -- which would end our step
      if not wholes[number] then
        return exists(stem.file) and "Ardour did not import " .. stem.file
          or "a stem is gone: " .. stem.file
      end
    end
    Session:begin_reversible_command("StemLasso: insert stems")
    local is_well, why = pcall(lay_all, wholes, manifest, record)
    Session:commit_reversible_command(nil)
    if not is_well then
      error(why, 0)
    end
    return why
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
    if record.is_shown and answer.state == "done" then
      desk:forget_answer(name)
      return "shown" -- kept: the panel may make stems of it more than once
    end
    local why = answer.error and answer.error.message or "it was cancelled"
    if answer.state == "done" then
      why = insert(desk, answer.manifest, record) -- an error of Ardour's own keeps all that follows
    end
    desk:forget_answer(name)
    memory.keep(Session:path(), name, nil)
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
    action.show_all(refused)
    if #refused == 0 and n_placed == 0 then
      action.show(counts.waiting + counts.shown > 0
        and "Not finished yet; run this again in a while."
        or "Nothing was asked for in this session.")
    end
  end

  action.run(main)
end end
