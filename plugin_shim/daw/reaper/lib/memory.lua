-- What the project remembers of clips that were sent: how the item lay, so that stems lie the same.
-- Kept in the project file, so it survives closing REAPER before the stems are there.

local json = require("json")

local memory = {}

local CLIPS, PLACED = "StemLasso", "StemLasso placed"
local SAME_S = 1e-6

--- Remembers `record` under the name of its request. REAPER keeps that only in a project that is
--- saved, and asks for it only where it knows of a change.
function memory.keep(project, name, record)
  reaper.SetProjExtState(project, CLIPS, name, json.encode(record))
  reaper.MarkProjectDirty(project)
end

--- Forgets what was kept under `name`.
function memory.forget(project, name)
  reaper.SetProjExtState(project, CLIPS, name, "")
end

--- Whether anything is kept under `name`.
function memory.has(project, name)
  return reaper.GetProjExtState(project, CLIPS, name) > 0
end

--- All that is kept: a list of {name, record}.
function memory.all(project)
  local kept = {}
  for index = 0, math.huge do
    local is_there, name, text = reaper.EnumProjExtState(project, CLIPS, index)
    if not is_there then
      return kept
    end
    local is_json, record = pcall(json.decode, text)
    if is_json and type(record) == "table" then
      kept[#kept + 1] = { name = name, record = record }
    end
  end
end

--- The record of the clip that a manifest is about, and its name; nil when this project sent none.
--- asked_as: the name of the request, where it is known.
function memory.find(project, manifest, asked_as)
  local parent, found = manifest.parent, nil
  for _, each in ipairs(memory.all(project)) do
    local is_same = each.record.file == parent.file
      and math.abs(each.record.start_s - parent.start_s) < SAME_S
    if each.name == asked_as then
      return each.record, each.name
    elseif is_same then
      found = found or each
    end
  end
  if found then
    return found.record, found.name
  end
end

--- Whether the stems of a job were placed in this project before.
function memory.is_placed(project, job_id)
  return reaper.GetProjExtState(project, PLACED, job_id) > 0
end

--- Remembers that the stems of a job are placed.
function memory.note_placed(project, job_id)
  reaper.SetProjExtState(project, PLACED, job_id, "1")
end

return memory
