-- WAV files for scripts: find the samples, copy a stretch of them unchanged, write new ones.

local wav = {}

local MOST_CHUNKS = 1000
local COPY_BYTES = 1 << 20
local PLAIN, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
local WHOLE_32 = 0xFFFFFFFF

local function read_format(body)
  local kind, n_channels, rate, _, n_frame_bytes, n_bits = string.unpack("<I2I2I4I4I2I2", body)
  if kind == EXTENSIBLE and #body >= 26 then
    kind = string.unpack("<I2", body, 25)
  end
  if (kind ~= PLAIN and kind ~= FLOAT) or n_channels < 1 or rate < 1 or n_frame_bytes < 1 then
    return nil
  end
  return { body = body, n_channels = n_channels, sample_rate = rate,
           n_frame_bytes = n_frame_bytes, n_bits = n_bits }
end

--- What a WAV, RF64 or BW64 file of linear samples holds: sample_rate, n_channels, n_samples,
--- n_frame_bytes, start (byte of the first sample) and body (of its fmt chunk). nil for all others.
function wav.read(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local head = file:read(12) or ""
  local magic = head:sub(1, 4)
  if #head < 12 or head:sub(9) ~= "WAVE"
      or not (magic == "RIFF" or magic == "RF64" or magic == "BW64") then
    file:close()
    return nil
  end
  local found, n_data_64 = nil, nil
  local n_file_bytes = file:seek("end")
  local at = 12
  for _ = 1, MOST_CHUNKS do
    file:seek("set", at)
    local chunk = file:read(8)
    if not chunk or #chunk < 8 then
      break
    end
    local name, n_bytes = chunk:sub(1, 4), (string.unpack("<I4", chunk, 5))
    at = at + 8
    if name == "ds64" then
      n_data_64 = string.unpack("<I8", file:read(16) or ("\0"):rep(16), 9)
    elseif name == "fmt " then
      found = n_bytes >= 16 and n_bytes <= 4096 and read_format(file:read(n_bytes))
    elseif name == "data" and found then
      local n_data = (n_bytes == WHOLE_32 and n_data_64) or n_bytes
      found.start = at
      found.n_samples = math.min(n_data, n_file_bytes - at) // found.n_frame_bytes
      break
    end
    at = at + n_bytes + n_bytes % 2
  end
  file:close()
  return found and found.start and found or nil
end

local function header(body, n_data_bytes)
  local size = 4 + 8 + #body + #body % 2 + 8 + n_data_bytes
  return "RIFF" .. string.pack("<I4", size) .. "WAVE"
    .. "fmt " .. string.pack("<I4", #body) .. body .. ("\0"):rep(#body % 2)
    .. "data" .. string.pack("<I4", n_data_bytes)
end

--- Copies samples [start, stop) of `source` (from wav.read, of the file at `from`) to a new file,
--- bit for bit. on_block: called between blocks, if given, with the share that is done.
--- Returns true, or nil and why not.
function wav.cut(from, source, start, stop, to, on_block)
  local n_bytes = (stop - start) * source.n_frame_bytes
  if n_bytes + 4200 > WHOLE_32 then
    return nil, "it is longer than a WAV file can be"
  end
  local reader, writer = io.open(from, "rb"), io.open(to, "wb")
  if not reader or not writer then
    if reader then reader:close() end
    return nil, (reader and to or from) .. ": it cannot be opened"
  end
  reader:seek("set", source.start + start * source.n_frame_bytes)
  local is_well = writer:write(header(source.body, n_bytes))
  local n_left = n_bytes
  while is_well and n_left > 0 do
    local block = reader:read(math.min(n_left, COPY_BYTES))
    if not block then
      break
    end
    n_left = n_left - #block
    is_well = writer:write(block)
    if on_block then
      on_block(1 - n_left / n_bytes)
    end
  end
  if is_well and n_bytes % 2 == 1 then
    is_well = writer:write("\0")
  end
  reader:close()
  is_well = writer:close() and is_well and n_left == 0
  if not is_well then
    os.remove(to)
    return nil, to .. ": it could not be written; is the disk full?"
  end
  return true
end

--- One file from several: samples [start, stop) of each of `files`, channel beside channel, bit for
--- bit. The files must be alike: same rate, same size of a frame. Returns true, or nil and why not.
function wav.join(files, start, stop, to)
  local sources, readers = {}, {}
  local function close()
    for _, reader in ipairs(readers) do
      reader:close()
    end
  end
  for index, file in ipairs(files) do
    local source = wav.read(file)
    local first = sources[1] or source
    if not source or source.sample_rate ~= first.sample_rate
        or source.n_frame_bytes ~= first.n_frame_bytes or stop > source.n_samples then
      close()
      return nil, file .. ": it is no WAV file, or not like the other channels"
    end
    sources[index], readers[index] = source, io.open(file, "rb")
    readers[index]:seek("set", source.start + start * source.n_frame_bytes)
  end
  local one = sources[1]
  local n_frame_bytes = one.n_frame_bytes * #files
  local n_channels = one.n_channels * #files
  local body = string.pack("<I2I2I4I4I2I2", string.unpack("<I2", one.body), n_channels,
    one.sample_rate, one.sample_rate * n_frame_bytes, n_frame_bytes, one.n_bits)
  local writer = io.open(to, "wb")
  local is_well = writer and writer:write(header(body, (stop - start) * n_frame_bytes))
  local n_left = stop - start
  while is_well and n_left > 0 do
    local n = math.min(n_left, 4096)
    local columns, woven = {}, {}
    for index, reader in ipairs(readers) do
      local block = reader:read(n * one.n_frame_bytes) or ""
      is_well = is_well and #block == n * one.n_frame_bytes
      columns[index] = is_well and block or ("\0"):rep(n * one.n_frame_bytes)
    end
    for index, block in ipairs(columns) do
      local at = 1
      for sample = 1, n do
        woven[(sample - 1) * #files + index] = block:sub(at, at + one.n_frame_bytes - 1)
        at = at + one.n_frame_bytes
      end
    end
    is_well = is_well and writer:write(table.concat(woven))
    n_left = n_left - n
  end
  close()
  is_well = writer and writer:close() and is_well
  if not is_well then
    os.remove(to)
    return nil, to .. ": it could not be written; is the disk full?"
  end
  return true
end

--- Writes a float32 file block by block: `next_block()` gives a list of interleaved numbers, or nil
--- at the end. Returns true, or nil and why not.
function wav.write_float(to, sample_rate, n_channels, n_samples, next_block)
  local n_frame_bytes = 4 * n_channels
  local body = string.pack("<I2I2I4I4I2I2", FLOAT, n_channels, sample_rate,
    sample_rate * n_frame_bytes, n_frame_bytes, 32)
  local file = io.open(to, "wb")
  if not file then
    return nil, to .. ": it cannot be written"
  end
  local is_well = file:write(header(body, n_samples * n_frame_bytes))
  for block in next_block do
    for from = 1, #block, 200 do
      local stop = math.min(from + 199, #block)
      local form = "<" .. ("f"):rep(stop - from + 1)
      is_well = is_well and file:write(string.pack(form, table.unpack(block, from, stop)))
    end
  end
  if not (file:close() and is_well) then
    os.remove(to)
    return nil, to .. ": it could not be written; is the disk full?"
  end
  return true
end

return wav
