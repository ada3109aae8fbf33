ardour {
  ["type"] = "EditorAction",
  name = "StemLasso: separate selected regions",
  license = "GPL",
  author = "The StemLasso authors",
  description = [[Takes a sound out of each selected region: asks what and where. The stems are put on
new tracks by "StemLasso: insert finished stems".]]
}

-- Ardour keeps `factory` alone, as byte code: everything has to be inside of it.
function factory () return function ()
  -- the modules are put in here when it is installed
  local action = require("action")
  local dialog = require("dialog")
  local exchange = require("exchange")
  local sending = require("sending")
  local shell = require("shell")

  local function main()
    local regions = sending.selected()
    if #regions == 0 then
      action.show("Select one or more audio regions first.")
      return
    end
    local wish, why = dialog.ask(LuaDialog)
    if not wish then
      if why then
        action.show(why)
      end
      return
    end
    local n_sent, refused = sending.send_all(exchange.open(SETTINGS.store), regions, wish)
    if n_sent > 0 then
      shell.start(SETTINGS.command, "status") -- starts the engine process when none runs
    end
    action.show_all(refused)
  end

  action.run(main)
end end
