--[[
  Takes those out of the line who have missed their promise, wherever they stand. Looks again before it does.
    keys: waiting promised
    ARGV  places that seemed to have missed it, at most 500
  Returns how many are absent now.
]]
local presence = read_presence()
local places, missing, empty, silent = {}, {}, {}, {}
for index = 1, #ARGV do places[index] = tonumber(ARGV[index]) end
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
