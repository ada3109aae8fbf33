-- Long work in turns of a few milliseconds, between all else that REAPER does.

local turns = {}

local TURN_S = 0.008
local began_s = 0

--- Runs work() until it is done, with pauses where it calls turns.pause; then done(...) with what it
--- gave. Work that calls it seldom, or is quick, is done when this returns.
function turns.run(work, done)
  local thread = coroutine.create(work)
  local function turn()
    began_s = reaper.time_precise()
    local results = table.pack(coroutine.resume(thread))
    if not results[1] then
      error(debug.traceback(thread, tostring(results[2])), 0)
    elseif coroutine.status(thread) ~= "dead" then
      reaper.defer(turn)
    else
      reaper.Help_Set("", false)
      done(table.unpack(results, 2, results.n))
    end
  end
  turn()
end

--- Lets REAPER go on when the turn has been long enough. words: how far the work is.
--- Whether there was a pause: much may have changed then.
function turns.pause(words)
  if not coroutine.isyieldable() or reaper.time_precise() - began_s < TURN_S then
    return false
  end
  reaper.Help_Set("StemLasso: " .. words, false)
  coroutine.yield()
  return true
end

return turns
