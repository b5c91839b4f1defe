--[[
  Writes down who was seen, and for how long each promised to be seen again. The newest beat wins, whatever the order of
  calls. A beat is a return: who was absent, and whom Redis has forgotten, stands in line again at the old place.
  A call without beats only says that the gatekeeper lives.
    keys: room waiting admissions departed promised absent gatekeepers
    ARGV[1] life   ARGV[2] the gatekeeper
    ARGV[3..] visitor, place, how long ago seen (ms), the promise (units), …: at most 1,500 visitors
  Returns -2 when there is no such room, -1 when it has another life, else how many stand in line again.
]]
local settings = redis.call('HMGET', keys.room, 'life', 'clock_ms', 'clock_at_ms', 'state', 'next', 'run', 'floor', 'moved')
if not settings[1] then return -2 end
if settings[1] ~= ARGV[1] then return -1 end
if not knows_places() then return DRAWN end
local now = now_ms()
redis.call('ZADD', keys.gatekeepers, now, ARGV[2])
if #ARGV == 2 then return 0 end

local step = math.max(0, math.min(1000, now - tonumber(settings[3] or now)))
local clock = tonumber(settings[2] or CLOCK_BEGINS_MS) + step
redis.call('HSET', keys.room, 'clock_ms', whole(clock), 'clock_at_ms', whole(now))
if settings[4] == 'scheduled' or settings[4] == 'paused' then
  redis.call('HSET', keys.room, 'lapse_from_ms', whole(clock))
end
local presence = read_presence()
local next_number

-- A place of which nothing is known: it was lost with Redis' memory. Nobody else's place is taken, and nobody stands twice.
local function restore(visitor, place, value)
  if tonumber(place) < tonumber(settings[7] or 0) then return 0 end
  if redis.call('GETBIT', keys.departed, place) == 1 then return 0 end
  if redis.call('ZRANGEBYSCORE', keys.waiting, place, place, 'LIMIT', 0, 1)[1] then return 0 end
  if redis.call('ZSCORE', keys.waiting, visitor) or redis.call('ZSCORE', keys.absent, visitor)
    or redis.call('HEXISTS', keys.admissions, visitor) == 1 then return 0 end
  next_number = next_number or next_of_this_run(tonumber(settings[5]), settings[6])
  if tonumber(place) >= next_number then next_number = jump(tonumber(place) + 1) end
  put_in_line(visitor, place, value)
  return 1
end

local places = {}
for index = 3, #ARGV, 4 do places[#places + 1] = tonumber(ARGV[index + 1]) end
local known = get_all(keys.promised, 'u32', places)
local newer, values, back = {}, {}, 0
for index, before in ipairs(known) do
  local at = 4 * index - 1
  local visitor, place = ARGV[at], ARGV[at + 1]
  local value = promise_value(clock - tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]))
  if before == 0 and settings[8] and places[index] > tonumber(settings[8]) then
    -- Kept at the place until its visitor is taken there (lottery_move.lua).
    if number_in_lobby(visitor) then newer[#newer + 1], values[#values + 1] = places[index], value end
  elseif before == 0 then
    back = back + restore(visitor, place, value)
  elseif promise_units(before) == ABSENT then
    local is_return = seen_ms_of(value) >= seen_ms_of(before) and is_present(value, clock)
    if is_return and redis.call('ZSCORE', keys.absent, visitor) == place and may_return(place, before, presence) then
      put_in_line(visitor, place, value)
      back = back + 1
    end
  elseif value > before then
    newer[#newer + 1], values[#values + 1] = places[index], value
  end
end
if #newer > 0 then set_all(keys.promised, 'u32', newer, values) end
return back
