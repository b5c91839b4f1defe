--[[
  Of whom a flush of beats knew no promise (beat.lua): who was absent, and whom Redis has forgotten, stands in line again at
  the old place. The newest beat wins, as ever.
    keys: room waiting admissions departed promised absent
    ARGV[1] life
    ARGV[2..] visitor, place, how long ago seen (ms), the promise (units), …: at most 1,500 visitors
  Returns -2 when there is no such room, -1 when it has another life, else how many stand in line again.
]]
local settings = redis.call('HMGET', keys.room, 'life', 'next', 'run', 'floor', 'moved')
if not settings[1] then return -2 end
if settings[1] ~= ARGV[1] then return -1 end
if not knows_places() then return DRAWN end
local presence = read_presence()
local clock = presence.clock_ms
local moved, floor = tonumber(settings[5]), tonumber(settings[4] or 0)
local next_number

-- A place of which nothing is known: it was lost with Redis' memory. Nobody else's place is taken, and nobody stands twice.
local function restore(visitor, place, value)
  if tonumber(place) < floor then return 0 end
  if redis.call('GETBIT', keys.departed, place) == 1 then return 0 end
  if redis.call('ZRANGEBYSCORE', keys.waiting, place, place, 'LIMIT', 0, 1)[1] then return 0 end
  if redis.call('HEXISTS', keys.admissions, visitor) == 1 or has_ended_since_loss(visitor) then return 0 end
  if not gives_up_later_place(visitor, place) then return 0 end
  next_number = next_number or next_of_this_run(tonumber(settings[2]), settings[3])
  if tonumber(place) >= next_number then next_number = jump(next_number, tonumber(place)) end
  put_in_line(visitor, place, value)
  list_again(place, visitor)
  return 1
end

local places = {}
for index = 2, #ARGV, 4 do places[#places + 1] = tonumber(ARGV[index + 1]) end
local known = get_all(keys.promised, 'u32', places)
local newer, values, back = {}, {}, 0
for index, before in ipairs(known) do
  local at = 4 * index - 2
  local visitor, place = ARGV[at], ARGV[at + 1]
  local value = promise_value(clock - tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]))
  if before == 0 and moved and places[index] > moved then
    -- Kept at the place until its visitor is taken there (lottery_move.lua).
    if number_in_lobby(visitor) then newer[#newer + 1], values[#values + 1] = places[index], value end
  elseif before == 0 then
    back = back + restore(visitor, place, value)
  elseif promise_units(before) == ABSENT then
    local is_return = seen_ms_of(value, clock) >= seen_ms_of(before, clock) and is_present(value, clock)
    if is_return and redis.call('ZSCORE', keys.absent, visitor) == place and may_return(place, before, presence) then
      put_in_line(visitor, place, value)
      back = back + 1
    end
  elseif is_newer(value, before) then
    newer[#newer + 1], values[#values + 1] = places[index], value
  end
end
set_all(keys.promised, 'u32', newer, values)
return back
