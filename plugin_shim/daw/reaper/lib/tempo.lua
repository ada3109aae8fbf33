-- The tempo of the timeline below an item.

local tempo = {}

local PIECES = 16
local STEADY = 1e-6
local FASTEST_BPM = 1000 -- that a request may have

--- Quarter notes a minute, where they are the same all along; nil where they are not, or where this
--- REAPER does not tell. Counted off the timeline: REAPER's own number is doubled in a /8 signature.
function tempo.of(project, position_s, length_s)
  if length_s <= 0 or not reaper.APIExists("TimeMap_timeToQN_abs") then
    return nil
  end
  local piece_s = length_s / PIECES
  local before, first = reaper.TimeMap_timeToQN_abs(project, position_s), nil
  for index = 1, PIECES do
    local now = reaper.TimeMap_timeToQN_abs(project, position_s + index * piece_s)
    local bpm = 60 * (now - before) / piece_s
    first = first or bpm
    if bpm <= 0 or bpm > FASTEST_BPM or math.abs(bpm - first) > STEADY * first then
      return nil
    end
    before = now
  end
  return math.floor(first * 1e6 + 0.5) / 1e6
end

return tempo
