-- The tempo of the session where a region lies.

local tempo = {}

local MOST_LOOKS, LOOKS_PER_S = 1000, 10

--- Quarter notes a minute from sample `start` to sample `stop`; nil where that changes in between,
--- and in an Ardour whose scripts cannot read the tempo map.
function tempo.of(start, stop, sample_rate)
  local function at(map, sample)
    return map:quarters_per_minute_at(Temporal.timepos_t(math.floor(sample)))
  end
  local is_known, found = pcall(function()
    local map = (Temporal.TempoMap.use or Temporal.TempoMap.read)() -- 8 and 9 call it `use`
    local first = at(map, start)
    local n_looks = math.min(MOST_LOOKS, math.ceil((stop - start) * LOOKS_PER_S / sample_rate) + 1)
    for look = 1, n_looks do
      if math.abs(at(map, start + (stop - 1 - start) * look / n_looks) - first) > 1e-6 then
        return nil
      end
    end
    return first
  end)
  return is_known and found or nil
end

return tempo
