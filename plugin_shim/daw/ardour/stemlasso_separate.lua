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
  local dialog = require("dialog")
  local exchange = require("exchange")
  local sending = require("sending")

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
    local wish, why = dialog.ask(LuaDialog)
    if not wish then
      if why then
        show(why)
      end
      return
    end
    local _, refused = sending.send_all(exchange.open(SETTINGS.store), regions, wish)
    if #refused > 0 then
      show(table.concat(refused, "\n"))
    end
  end

  local is_well, why = pcall(main) -- Ardour takes a script off whose error gets out
  if not is_well then
    show(why)
  end
end end
