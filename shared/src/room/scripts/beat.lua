--[[
  Writes down who was seen, and for how long each promised to be seen again. The newest beat wins, whatever the order of
  calls. Of whom no promise is kept, nothing is written: return.lua looks after them, whom it takes more to tell.
  A call without beats only says that the gatekeeper lives.
    keys: room promised gatekeepers
    ARGV[1] life   ARGV[2] the gatekeeper
    ARGV[3] for each place: how long ago seen (ms, four bytes), the promise (units, a byte)
    ARGV[4..] the places as BITFIELD has them (#7): at most 1,500
  Returns -2 when there is no such room, -1 when it has another life, else which of the places (1, …) keep no promise.
]]
local settings = redis.call('HMGET', keys.room, 'life', 'clock_ms', 'clock_at_ms', 'state')
if not settings[1] then return -2 end
if settings[1] ~= ARGV[1] then return -1 end
if not knows_places() then return DRAWN end
local now = now_ms()
redis.call('ZADD', keys.gatekeepers, now, ARGV[2])
local count = #ARGV - 3
if count <= 0 then return {} end

local step = math.max(0, math.min(1000, now - tonumber(settings[3] or now)))
local clock = tonumber(settings[2] or CLOCK_BEGINS_MS) + step
redis.call('HSET', keys.room, 'clock_ms', whole(clock), 'clock_at_ms', whole(now))
if settings[4] == 'scheduled' or settings[4] == 'paused' then
  redis.call('HSET', keys.room, 'lapse_from_ms', whole(clock))
end

-- Written without a look before, for SET tells what was there; few have to be put right.
local command, values, texts = {}, {}, {}
for index = 1, count do
  local ago, units = struct.unpack('>I4B', ARGV[3], 5 * index - 4)
  local value = promise_value(clock - ago, units)
  local text = texts[value] or whole(value)
  texts[value], values[index] = text, value
  local at = 4 * index
  command[at - 3], command[at - 2], command[at - 1], command[at] = 'SET', 'u32', ARGV[3 + index], text
end
local unknown, again = {}, {}
for index, before in ipairs(redis.call('BITFIELD', keys.promised, unpack(command))) do
  local is_unknown = before == 0 or promise_units(before) == ABSENT
  if is_unknown then unknown[#unknown + 1] = index end
  if is_unknown or is_newer(before, values[index]) then
    local at = #again
    again[at + 1], again[at + 2], again[at + 3], again[at + 4] = 'SET', 'u32', ARGV[3 + index], whole(before)
  end
end
if #again > 0 then redis.call('BITFIELD', keys.promised, unpack(again)) end
return unknown
