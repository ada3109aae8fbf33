-- What is around every action: it says things, and lets no error out.

local action = {}

--- Shows a text until it is closed.
function action.show(text)
  LuaDialog.Message("StemLasso", text, LuaDialog.MessageType.Info,
    LuaDialog.ButtonType.Close):run()
end

--- Shows a list of texts, if there are any.
function action.show_all(texts)
  if #texts > 0 then
    action.show(table.concat(texts, "\n"))
  end
end

--- Runs `main`; what goes wrong in it is shown.
function action.run(main)
  local is_well, why = pcall(main) -- Ardour takes a script off whose error gets out
  if not is_well then
    action.show(why)
  end
end

return action
