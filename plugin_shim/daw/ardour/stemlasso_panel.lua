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
  local action = require("action")
  local exchange = require("exchange")
  local sending = require("sending")
  local shell = require("shell")

  local function main()
    local regions = sending.selected()
    if #regions == 0 then
      action.show("Select one or more audio regions first.")
      return
    end
    local n_sent, refused = sending.send_all(exchange.open(SETTINGS.store), regions, nil)
    if n_sent > 0 and not shell.start(SETTINGS.command, "panel") then
      refused[#refused + 1] = "The regions are on the desk. Open the panel with `stemlasso panel`."
    end
    action.show_all(refused)
  end

  action.run(main)
end end
