--[[
  After a room was written back: those who waited then and did not come back in time no longer count. They have lost
  nothing: should they come later, their token still says their place.
    keys: room waiting promised departed
    ARGV  places that seemed to be nobody's, at most 1,000; none: all have been seen to, and the recovery is over
  Returns how many have gone.
]]
-- Drawn meanwhile: recovery.lua asks again when all are at their places.
if redis.call('HEXISTS', keys.room, 'moved') == 1 then return 0 end
if #ARGV == 0 then
  redis.call('HDEL', keys.room, 'restored_first', 'restored_next', 'restored_until_ms')
  return 0
end
local places, gone = {}, {}
for index = 1, #ARGV do places[index] = tonumber(ARGV[index]) end
local promised, departed = get_all(keys.promised, 'u32', places), get_all(keys.departed, 'u1', places)
for index, place in ipairs(places) do
  local is_ghost = promised[index] == 0 and departed[index] == 0
  if is_ghost and not redis.call('ZRANGEBYSCORE', keys.waiting, place, place, 'LIMIT', 0, 1)[1] then gone[#gone + 1] = place end
end
mark_departed(gone, 1)
return #gone
