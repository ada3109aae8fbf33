-- Takes a sound out of each selected item: asks what and where, and puts the stems under the
-- original when they are ready. REAPER 6 or newer; needs no plug-in and no extension.

local home = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
package.path = home .. "lib/?.lua;" .. home .. "../lua/?.lua;" .. package.path

local desk = require("desk")
local dialog = require("dialog")
local selection = require("selection")

local function main()
  local session = desk.open(home)
  local items, refused = selection.read(session.project)
  if #items == 0 then
    refused[#refused + 1] = "Select one or more audio items first."
    desk.show(refused)
    session:wait() -- for an earlier run, which this one has ended
    return
  end
  local wish = dialog.ask(session.project, items)
  if not wish then
    session:wait()
    return
  end
  session:run("status") -- starts the engine process when none runs
  session:send(items, wish, function(_, problems)
    for _, why in ipairs(problems) do
      refused[#refused + 1] = why
    end
    session:wait()
    desk.show(refused)
  end)
end

main()
