--[[
  Takes those out of the line who have missed their promise, wherever they stand. Looks again before it does.
    keys: room waiting promised
    ARGV  places that seemed to have missed it, at most 500
  Returns how many are absent now.
]]
local presence = read_presence()
-- Behind it everybody is still in the lobby of a lottery, and their beats wait for them at their places.
local moved = tonumber(redis.call('HGET', keys.room, 'moved') or math.huge)
local places, missing, empty, silent = {}, {}, {}, {}
for index = 1, #ARGV do
  local place = tonumber(ARGV[index])
  if place <= moved then places[#places + 1] = place end
end
for index, value in ipairs(get_all(keys.promised, 'u32', places)) do
  if value ~= 0 and promise_units(value) ~= ABSENT and not is_present(value, presence.clock_ms) then
    local visitor = redis.call('ZRANGEBYSCORE', keys.waiting, places[index], places[index], 'LIMIT', 0, 1)[1]
    if visitor then
      missing[#missing + 1] = { visitor, places[index], value }
    else
      empty[#empty + 1], silent[#silent + 1] = places[index], value - promise_units(value) + ABSENT
    end
  end
end
make_absent(missing)
-- Let in, or gone: nothing is promised any more. When they were last seen still counts, should an admission not be claimed.
set_all(keys.promised, 'u32', empty, silent)
return #missing
