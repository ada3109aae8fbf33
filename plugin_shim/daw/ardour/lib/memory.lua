-- What an Ardour session remembers of regions that were sent, as a file in its folder.

local json = require("json")

local memory = {}

local FILE = "/stemlasso.json"

--- All that is kept: request name -> record.
function memory.all(folder)
  local file = io.open(folder .. FILE, "rb")
  if not file then
    return {}
  end
  local text = file:read("a")
  file:close()
  local is_json, kept = pcall(json.decode, text)
  return is_json and type(kept) == "table" and kept or {}
end

--- Remembers a record under the name of its request; nil forgets it.
function memory.keep(folder, name, record)
  local kept = memory.all(folder)
  kept[name] = record
  local part = folder .. "/.stemlasso.part"
  local file = io.open(part, "wb")
  if not file then
    error(folder .. ": nothing can be written there")
  end
  file:write(json.encode(kept))
  file:close()
  os.remove(folder .. FILE) -- Windows does not rename over a file
  os.rename(part, folder .. FILE)
end

return memory
