-- The inbox and the outbox of the engine process, as files. See manifest.md.
--
--   local desk = exchange.open(settings)
--   local name = desk:ask({clip = ..., prompt = ...})
--   local answer = desk:answer(name)          -- nil until there is one

local json = require("json")

local exchange = {}
exchange.__index = exchange

local VERSION = 1
local MANIFEST_MAJOR = "1."

local function read(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local text = file:read("a")
  file:close()
  return text
end

--- What the installer wrote beside the scripts: `store` (folder) and `command` (list of words).
function exchange.read_settings(path)
  local text = read(path)
  if not text then
    return {}
  end
  local is_json, settings = pcall(json.decode, text)
  return is_json and type(settings) == "table" and settings or {}
end

--- The folder of the store where the installer named none: the same rules as in bridge/PROTOCOL.md.
--- system: "windows", "macos" or "linux"; environ: gives an environment variable or nil.
function exchange.usual_store(system, environ)
  local own = environ("STEMLASSO_HOME")
  if own and own ~= "" then
    return own .. "/store"
  end
  local home = environ("HOME") or environ("USERPROFILE") or "."
  if system == "windows" then
    return (environ("LOCALAPPDATA") or home .. "/AppData/Local") .. "/StemLasso/store"
  elseif system == "macos" then
    return home .. "/Library/Application Support/StemLasso/store"
  end
  local data = environ("XDG_DATA_HOME")
  if not data or data == "" then
    data = home .. "/.local/share"
  end
  return data .. "/stemlasso/store"
end

--- The desk of one store. store: its folder.
function exchange.open(store)
  local inbox, outbox = store .. "/inbox", store .. "/outbox"
  return setmetatable({ store = store, inbox = inbox, outbox = outbox, n_asked = 0 }, exchange)
end

--- A name that no other request has: of this second, this process and this call.
function exchange:new_name(prefix)
  self.n_asked = self.n_asked + 1
  local own = tostring(self):match("0x(%x+)") or tostring(self):gsub("%W", "")
  return string.format("%s-%d-%s-%d", prefix, os.time(), own, self.n_asked)
end

--- Puts a request into the inbox under `name`: whole, or not at all.
--- Returns true, or nil and what to do about it.
function exchange:ask(name, request)
  request.request = VERSION
  local hidden = self.inbox .. "/." .. name .. ".json"
  local file = io.open(hidden, "wb")
  if not file then
    return nil, self.inbox .. ": nothing can be written there. Start StemLasso once "
      .. "(`stemlasso status`), and see that its store is this one (`stemlasso store`)."
  end
  local is_written = file:write(json.encode(request)) and file:close()
  local is_placed = is_written and os.rename(hidden, self.inbox .. "/" .. name .. ".json")
  if not is_placed then
    os.remove(hidden)
    return nil, self.inbox .. ": the request could not be written; is the disk full?"
  end
  return true
end

--- Whether the engine process has taken the request `name` away.
function exchange:is_taken(name)
  local file = io.open(self.inbox .. "/" .. name .. ".json", "rb")
  if file then
    file:close()
  end
  return not file
end

--- What became of the request `name`; nil when it is not known yet.
function exchange:answer(name)
  local text = read(self.outbox .. "/" .. name .. ".answer.json")
  local is_json, answer = pcall(json.decode, text or "")
  return is_json and type(answer) == "table" and answer or nil
end

--- Takes an answer that has been used out of the outbox.
function exchange:forget_answer(name)
  os.remove(self.outbox .. "/" .. name .. ".answer.json")
end

--- The manifest at `path`, or nil and why it cannot be used.
function exchange:manifest(path)
  local text = read(path)
  if not text then
    return nil, path .. ": it is not there"
  end
  local is_json, manifest = pcall(json.decode, text)
  if not is_json or type(manifest) ~= "table" then
    return nil, path .. ": it is no manifest"
  end
  local version = tostring(manifest.manifest)
  if version:sub(1, #MANIFEST_MAJOR) ~= MANIFEST_MAJOR then
    return nil, path .. ": version " .. version .. " is newer than this script; install it again "
      .. "with `stemlasso install`"
  end
  return manifest
end

--- Takes a manifest that has been used out of the outbox.
function exchange:forget_manifest(job_id)
  os.remove(self:manifest_path(job_id))
end

--- Where the manifest of a finished job appears.
function exchange:manifest_path(job_id)
  return self.outbox .. "/" .. job_id .. ".timeline.json"
end

return exchange
