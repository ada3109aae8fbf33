-- Shows the selected items in the StemLasso panel, to draw and listen there. Stems that the panel
-- makes of them are placed by "StemLasso - insert finished stems".

local home = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
package.path = home .. "lib/?.lua;" .. home .. "../lua/?.lua;" .. package.path

local desk = require("desk")
local selection = require("selection")

local function main()
  local session = desk.open(home)
  local items, refused = selection.read(session.project)
  if #items == 0 then
    refused[#refused + 1] = "Select one or more audio items first."
    desk.show(refused)
    return
  end
  session:send(items, nil, function(n_sent, problems)
    for _, why in ipairs(problems) do
      refused[#refused + 1] = why
    end
    if n_sent > 0 and not session:run("panel") then
      refused[#refused + 1] = "The items are on the desk. Open the panel with `stemlasso panel`."
    end
    desk.show(refused)
  end)
end

main()
