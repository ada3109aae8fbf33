ardour {
  ["type"] = "EditorAction",
  name = "StemLasso: open selected regions in panel",
  license = "GPL",
  author = "The StemLasso authors",
  description = [[Shows the selected regions in the StemLasso panel, to draw and listen there. Stems
that the panel makes of them are put on tracks by "StemLasso: insert finished stems".]]
}

-- Ardour keeps `factory` alone, as byte code: everything has to be inside of it.
function factory () return function ()
  -- the modules are put in here when it is installed
  local exchange = require("exchange")
  local sending = require("sending")
  local shell = require("shell")

  local function show(text)
    LuaDialog.Message("StemLasso", text, LuaDialog.MessageType.Info,
      LuaDialog.ButtonType.Close):run()
  end

  local function main()
    local regions = sending.selected()
    if #regions == 0 then
      show("Select one or more audio regions first.")
      return
    end
    local n_sent, refused = sending.send_all(exchange.open(SETTINGS.store), regions, nil)
    if n_sent > 0 and not shell.start(SETTINGS.command, "panel") then
      refused[#refused + 1] = "The regions are on the desk. Open the panel with `stemlasso panel`."
    end
    if #refused > 0 then
      show(table.concat(refused, "\n"))
    end
  end

  local is_well, why = pcall(main) -- Ardour takes a script off whose error gets out
  if not is_well then
    show(why)
  end
end end
