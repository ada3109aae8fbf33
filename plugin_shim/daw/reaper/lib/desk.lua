-- The REAPER side of the exchange: settings, the engine process, requests, and waiting for answers.

local clip = require("clip")
local dialog = require("dialog")
local exchange = require("exchange")
local json = require("json")
local memory = require("memory")
local place = require("place")
local tempo = require("tempo")
local turns = require("turns")

local desk = {}

local LOOK_EVERY_S = 0.3
local PATIENCE_S = 20
local FRESH_S = 3600
local ENDS_THE_FIRST, AND_STARTS_ANEW = 1, 2 -- of REAPER's options for an action that runs already
local NO_WAIT = -2
local HOST = "REAPER"

local function system()
  local name = reaper.GetOS()
  if name:match("^Win") then
    return "windows"
  end
  return (name:match("^OSX") or name:match("^macOS")) and "macos" or "linux"
end

local function say(text)
  reaper.ShowConsoleMsg("StemLasso: " .. text .. "\n")
end

--- Opens the desk of the project in front, or of the one in tab `tab`; nil where there is none.
--- home: the folder of the scripts, where the installer left its settings.
function desk.open(home, tab)
  local project, file = reaper.EnumProjects(tab or -1)
  if not project then
    return nil
  end
  local settings = exchange.read_settings(home .. "stemlasso.json")
  local store = settings.store or exchange.usual_store(system(), os.getenv)
  local opened = { home = home, settings = settings, exchange = exchange.open(store),
    project = project, project_file = file or "", asked = {} }
  return setmetatable(opened, { __index = desk })
end

--- Runs `stemlasso WORDS...` without waiting; false when the installer left no command.
function desk:run(...)
  local words = {}
  for _, word in ipairs(self.settings.command or {}) do
    words[#words + 1] = '"' .. word .. '"'
  end
  if #words == 0 then
    return false
  end
  for _, word in ipairs({ ... }) do
    words[#words + 1] = '"' .. word .. '"'
  end
  reaper.ExecProcess(table.concat(words, " "), NO_WAIT)
  return true
end

--- What of an item holds when the action is run, however long its file takes.
local function note_for(self, found, wish)
  found.bpm = tempo.of(self.project, found.position_s, found.length_s)
  found.bpm_at_s = found.position_s
  found.spans = wish and dialog.spans_for(self.project, wish, found)
end

local function request_of(self, found, made, wish, folder)
  local request = {
    clip = {
      path = made.file, name = found.name,
      origin = { host = HOST, project = self.project_file, track = found.track_name,
        position_s = made.start_s },
    },
  }
  -- at another rate the file does not run in step with the timeline
  if made.rate == 1 and found.bpm_at_s == found.position_s then
    request.clip.origin.tempo_bpm = found.bpm
  end
  if wish then
    local spans = json.array({})
    for _, span in ipairs(found.spans) do
      local start_s, end_s = clip.time_in(made, span[1]), clip.time_in(made, span[2])
      if end_s > start_s then
        spans[#spans + 1] = { start_s = start_s, end_s = end_s, sign = span[3] }
      end
    end
    request.prompt = { description = wish.description, spans = spans }
    request.options = { n_candidates = wish.n_takes, output_folder = folder }
  end
  return request
end

--- Sends items to the engine process; with a wish (see dialog) they are separated, without one they
--- only appear in the panel. Calls done with how many went, and refusals in words; that may be later.
function desk:send(items, wish, done)
  for _, found in ipairs(items) do
    note_for(self, found, wish)
  end
  local media = reaper.GetProjectPathEx(self.project)
  reaper.atexit(clip.drop_unfinished)
  turns.run(function() return self:send_now(items, wish, media) end, done)
end

--- The same in one turn, or with pauses where turns.run calls it. media: the project's folder of media.
function desk:send_now(items, wish, media)
  local refused, n_sent = {}, 0
  for _, found in ipairs(items) do
    local name = self.exchange:new_name("reaper")
    local folder = media .. "/StemLasso/" .. name
    local made, why = clip.of(found, folder)
    local is_asked = made
    if made and not reaper.ValidatePtr(self.project, "ReaProject*") then
      is_asked, why = false, found.name .. ": its project was closed"
    elseif made then
      is_asked, why = self.exchange:ask(name, request_of(self, found, made, wish, folder))
    end
    if is_asked then
      memory.keep(self.project, name, {
        file = made.file, start_s = made.start_s, offset_s = made.offset_s, rate = made.rate,
        keeps_pitch = made.keeps_pitch, pitch = made.pitch, channel_mode = made.channel_mode,
        position_s = found.position_s, length_s = found.length_s, manner = found.manner,
        is_rendered = found.why_rendered ~= nil, take_guid = found.take_guid,
        take_offset_s = found.offset_s, take_rate = found.rate,
        item_guid = found.item_guid, track_guid = found.track_guid, track_name = found.track_name,
        mutes = wish ~= nil and wish.mutes or false, is_asked = wish ~= nil,
      })
      self.asked[name] = reaper.time_precise()
      n_sent = n_sent + 1
      if found.remark then
        say(found.remark)
      end
    else
      refused[#refused + 1] = why
    end
  end
  return n_sent, refused
end

--- Places the stems of one manifest, asked for as `asked_as` where that is known. Returns whether
--- they are placed, and otherwise why not; nothing for what belongs elsewhere or is placed already.
function desk:insert(manifest, asked_as)
  local record, name = memory.find(self.project, manifest, asked_as)
  local is_ours = record or (manifest.project == self.project_file and self.project_file ~= "")
  if not is_ours or memory.is_placed(self.project, manifest.job_id) then
    return false
  end
  local is_placed, why = place.stems(self.project, manifest, record)
  if not is_placed then
    return false, why
  end
  memory.note_placed(self.project, manifest.job_id)
  self.exchange:forget_manifest(manifest.job_id)
  if record and record.is_asked then
    memory.forget(self.project, name) -- a clip in the panel may give more stems
  end
  return true
end

--- Why requests of this project came to nothing, where that is known by now.
local function failures(self)
  local refused = {}
  for _, each in ipairs(memory.all(self.project)) do
    local answer = self.exchange:answer(each.name)
    if answer and (answer.state == "failed" or answer.state == "cancelled") then
      refused[#refused + 1] = answer.error and answer.error.message or "it was cancelled"
      memory.forget(self.project, each.name)
      self.exchange:forget_answer(each.name)
    end
  end
  return refused
end

--- Places everything finished in the outbox that belongs to this project. Returns how many jobs,
--- and what could not be placed, in words.
function desk:insert_all()
  local outbox, n_placed, refused = self.exchange.outbox, 0, failures(self)
  local names = {}
  reaper.EnumerateFiles(outbox, -1) -- forget what REAPER remembers of the folder
  for index = 0, math.huge do
    local name = reaper.EnumerateFiles(outbox, index)
    if not name then
      break
    end
    if name:match("%.timeline%.json$") and name:sub(1, 1) ~= "." then
      names[#names + 1] = name
    end
  end
  for _, name in ipairs(names) do
    local manifest, why = self.exchange:manifest(outbox .. "/" .. name)
    local is_placed = false
    if manifest and manifest.host == HOST then
      is_placed, why = self:insert(manifest)
    end
    n_placed = n_placed + (is_placed and 1 or 0)
    refused[#refused + 1] = why
  end
  return n_placed, refused
end

--- Looks after one request: true when nothing more will come of it.
local function is_settled(self, name, asked_s)
  if not memory.has(self.project, name) then
    return true -- an older REAPER let two of us run, and the other one has placed them
  end
  local answer = self.exchange:answer(name)
  if not answer then
    if reaper.time_precise() - asked_s > PATIENCE_S and not self.is_impatient then
      self.is_impatient = true
      say("no answer yet. Is the engine process running? `stemlasso status` starts it.")
    end
    return false
  elseif answer.state == "queued" then
    return false
  end
  if answer.state == "done" and answer.manifest then
    local manifest, why = self.exchange:manifest(answer.manifest)
    if manifest then
      why = select(2, self:insert(manifest, name))
    end
    if why then
      say(why)
    end
  elseif answer.state ~= "done" then
    memory.forget(self.project, name)
    local because = answer.error and answer.error.message or "it was cancelled"
    say("no stems: " .. because)
  end
  self.exchange:forget_answer(name)
  return true
end

--- Lets the action run again while it waits, where this REAPER can be told (7.03 and newer): the
--- new one ends the old one and waits for both. An older REAPER asks once what to do.
function desk.run_again()
  local _, set = pcall(function() return reaper.set_action_options end)
  if type(set) == "function" then
    set(ENDS_THE_FIRST | AND_STARTS_ANEW)
  end
end

--- Whether stems of a request may still come.
local function is_open(self, name)
  local asked_at_s = tonumber(name:match("^%a+%-(%d+)%-")) or 0
  return not self.exchange:is_taken(name) or self.exchange:answer(name) ~= nil
    or os.time() - asked_at_s < FRESH_S
end

--- Waits from now on also for what an earlier run asked for in this project.
function desk:take_over()
  for _, each in ipairs(memory.all(self.project)) do
    if each.record.is_asked and not self.asked[each.name] and is_open(self, each.name) then
      self.asked[each.name] = reaper.time_precise()
    end
  end
end

--- The desks of all open projects with something to wait for. first: that of the one in front.
local function waiting(first)
  local all, tab = {}, 0
  local session = desk.open(first.home, tab)
  while session do
    session = session.project == first.project and first or session
    session:take_over()
    if next(session.asked) then
      all[#all + 1] = session
    end
    tab = tab + 1
    session = desk.open(first.home, tab)
  end
  return all
end

--- Waits for what was sent, here and by earlier runs, without holding REAPER up, and places stems as
--- they come.
function desk:wait()
  local sessions, next_look_s = waiting(self), 0
  local function look()
    local now_s, is_waiting = reaper.time_precise(), false
    local is_time = now_s >= next_look_s
    next_look_s = is_time and now_s + LOOK_EVERY_S or next_look_s
    for _, session in ipairs(sessions) do
      if is_time and not reaper.ValidatePtr(session.project, "ReaProject*") then
        session.asked = {} -- its tab was closed; "insert finished stems" places them another day
      end
      -- stems go only into the project they belong to: wait while another tab is in front
      local is_in_front = is_time and reaper.EnumProjects(-1) == session.project
      for name, asked_s in pairs(is_in_front and session.asked or {}) do
        session.asked[name] = not is_settled(session, name, asked_s) and asked_s or nil
      end
      is_waiting = is_waiting or next(session.asked) ~= nil
    end
    if is_waiting then
      reaper.defer(look)
    end
  end
  if #sessions > 0 then
    desk.run_again()
    reaper.defer(look)
  end
end

--- Shows refusals in one box; nothing when there are none.
function desk.show(refused)
  if #refused > 0 then
    reaper.ShowMessageBox(table.concat(refused, "\n"), "StemLasso", 0)
  end
end

return desk
