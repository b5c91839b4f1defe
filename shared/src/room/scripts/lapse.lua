--[[
  Gives up the places of absent visitors who can no longer come back, from one place on. Forgets gatekeepers that are gone.
    keys: absent promised gatekeepers
    ARGV[1] from which place   ARGV[2] most looked at
  Returns {lapsed, where to go on, or 0 at the end}.
]]
local presence = read_presence()
redis.call('ZREMRANGEBYSCORE', keys.gatekeepers, '-inf', now_ms() - 12 * GATEKEEPER_LIVES_MS)
local found = redis.call('ZRANGEBYSCORE', keys.absent, ARGV[1], presence.front, 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local places, lapsed = {}, 0
for index = 2, #found, 2 do places[#places + 1] = tonumber(found[index]) end
for index, value in ipairs(get_all(keys.promised, 'u32', places)) do
  if not may_return(places[index], value, presence) then
    lapse(found[2 * index - 1], found[2 * index])
    lapsed = lapsed + 1
  end
end
local is_end = #places < tonumber(ARGV[2])
return { lapsed, is_end and 0 or places[#places] + 1 }
