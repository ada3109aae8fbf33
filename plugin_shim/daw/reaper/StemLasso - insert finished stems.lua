-- Places all finished stems of this project under their originals: those that were asked for here
-- before REAPER was closed, and those that the panel made of clips from here.

local home = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
package.path = home .. "lib/?.lua;" .. home .. "../lua/?.lua;" .. package.path

local desk = require("desk")

local function main()
  local session = desk.open(home)
  local n_placed, refused = session:insert_all()
  if n_placed == 0 and #refused == 0 then
    refused[1] = "Nothing is finished for this project."
  end
  desk.show(refused)
end

main()
