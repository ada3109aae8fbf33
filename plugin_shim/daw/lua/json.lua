-- JSON for scripts inside hosts: all of RFC 8259 that a timeline manifest needs, and no more.
--
--   local json = require("json")
--   json.decode('{"a": [1, 2]}').a[2]            --> 2
--   json.encode({b = json.array({})})            --> {"b":[]}
--
-- null is left out of tables, so a field that is null reads as nil. Both functions raise an error
-- that names the place.

local json = {}

local ARRAY = {}

--- Marks a table as a list, so that an empty one is written as [] and not as {}.
function json.array(list)
  return setmetatable(list, ARRAY)
end

local ESCAPES = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f",
  ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function quoted(text)
  local body = text:gsub('[%c"\\]', function(sign)
    return ESCAPES[sign] or string.format("\\u%04x", sign:byte())
  end)
  return '"' .. body .. '"'
end

local function number(value)
  if value ~= value or value == math.huge or value == -math.huge then
    error("JSON has no number for " .. tostring(value))
  end
  if math.type(value) == "integer" then
    return string.format("%d", value)
  end
  -- a host may run under a locale with a decimal comma
  return (string.format("%.17g", value):gsub(",", "."))
end

local function is_list(value)
  return getmetatable(value) == ARRAY or #value > 0
end

--- A value as JSON text; the keys of an object are sorted.
function json.encode(value)
  local kind = type(value)
  if kind == "string" then
    return quoted(value)
  elseif kind == "number" then
    return number(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind ~= "table" then
    error("JSON has no " .. kind)
  end
  local parts = {}
  if is_list(value) then
    for index, each in ipairs(value) do
      parts[index] = json.encode(each)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local names = {}
  for name in pairs(value) do
    names[#names + 1] = name
  end
  table.sort(names)
  for index, name in ipairs(names) do
    parts[index] = quoted(name) .. ":" .. json.encode(value[name])
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local DEEPEST = 100
local UNESCAPED = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}
local LITERALS = { ["true"] = true, ["false"] = false }

local function fail(at, expected)
  error(string.format("not JSON at byte %d: %s expected", at, expected), 0)
end

local function skip_blanks(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

--- The character that \uXXXX at `at` stands for, and what follows; two of them may make one.
local function code_point(text, at)
  local digits = text:match("^%x%x%x%x", at + 2) or fail(at, "four hexadecimal digits")
  local code, next_at = tonumber(digits, 16), at + 6
  if code >= 0xD800 and code < 0xDC00 then
    local low = tonumber(text:match("^\\u([dD][c-fC-F]%x%x)", next_at) or "", 16)
    if low then
      return 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00), next_at + 6
    end
  end
  if code >= 0xD800 and code < 0xE000 then
    return 0xFFFD, next_at -- half a pair has no place in UTF-8
  end
  return code, next_at
end

local function decode_string(text, at)
  local parts, from = {}, at + 1
  while true do
    local stop = text:find('["\\]', from) or fail(at, "the end of a string")
    parts[#parts + 1] = text:sub(from, stop - 1)
    if text:sub(stop, stop) == '"' then
      return table.concat(parts), stop + 1
    end
    local sign = text:sub(stop + 1, stop + 1)
    if sign == "u" then
      local code
      code, from = code_point(text, stop)
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = UNESCAPED[sign] or fail(stop, "an escape")
      from = stop + 2
    end
  end
end

local decode_value

local function decode_list(text, at, depth)
  local list, n_seen = json.array({}), 0
  at = skip_blanks(text, at + 1)
  if text:sub(at, at) == "]" then
    return list, at + 1
  end
  while true do
    n_seen = n_seen + 1
    list[n_seen], at = decode_value(text, at, depth)
    at = skip_blanks(text, at)
    local sign = text:sub(at, at)
    if sign == "]" then
      return list, at + 1
    elseif sign ~= "," then
      fail(at, "',' or ']'")
    end
    at = skip_blanks(text, at + 1)
  end
end

local function decode_object(text, at, depth)
  local object = {}
  at = skip_blanks(text, at + 1)
  if text:sub(at, at) == "}" then
    return object, at + 1
  end
  while true do
    if text:sub(at, at) ~= '"' then
      fail(at, "a name in quotes")
    end
    local name
    name, at = decode_string(text, at)
    at = skip_blanks(text, at)
    if text:sub(at, at) ~= ":" then
      fail(at, "':'")
    end
    object[name], at = decode_value(text, skip_blanks(text, at + 1), depth)
    at = skip_blanks(text, at)
    local sign = text:sub(at, at)
    if sign == "}" then
      return object, at + 1
    elseif sign ~= "," then
      fail(at, "',' or '}'")
    end
    at = skip_blanks(text, at + 1)
  end
end

function decode_value(text, at, depth)
  if depth > DEEPEST then
    fail(at, "less depth")
  end
  local sign = text:sub(at, at)
  if sign == '"' then
    return decode_string(text, at)
  elseif sign == "{" then
    return decode_object(text, at, depth + 1)
  elseif sign == "[" then
    return decode_list(text, at, depth + 1)
  end
  local word = text:match("^%a+", at)
  if word == "null" then
    return nil, at + 4
  elseif word and LITERALS[word] ~= nil then
    return LITERALS[word], at + #word
  end
  local digits = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  local value = digits and tonumber(digits)
  if not value then
    fail(at, "a value")
  end
  return value, at + #digits
end

--- The value that JSON text stands for.
function json.decode(text)
  local at = skip_blanks(text, 1)
  local value
  value, at = decode_value(text, at, 0)
  at = skip_blanks(text, at)
  if at <= #text then
    fail(at, "the end")
  end
  return value
end

return json
