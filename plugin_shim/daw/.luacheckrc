-- `luacheck .` in this folder: slips such as a variable that nobody declared.
std = "lua53" -- of Ardour and REAPER 6; REAPER 7 has 5.4
self = false
read_globals = { "reaper" }
files["ardour"] = {
  globals = { "factory" },
  read_globals = { "ardour", "ARDOUR", "ArdourUI", "C", "Editing", "Editor", "LuaDialog",
    "SETTINGS", "Session", "Temporal" },
}
