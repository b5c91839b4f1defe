--[[
  What is sellable and held of each performance behind a room. Performances that are not named any more vanish.
    keys: shop
    ARGV[1] the turn in which it was counted     ARGV[2..] performance, sellable, held, …; a few hundred values at most
  Returns 1 when it stands, 0 when a later count stands already or no shop beats there.
]]
local turn = tonumber(ARGV[1])
local known = redis.call('HMGET', keys.shop, 'turn', 'counted')
if turn > tonumber(known[1] or 0) or turn < tonumber(known[2] or 0) then return 0 end
local fields = { 'counted', ARGV[1] }
local named = {}
for index = 2, #ARGV, 3 do
  local field = 'p:' .. ARGV[index]
  named[field] = true
  fields[#fields + 1] = field
  fields[#fields + 1] = ARGV[index + 1] .. ' ' .. ARGV[index + 2]
end
for _, field in ipairs(redis.call('HKEYS', keys.shop)) do
  if string.sub(field, 1, 2) == 'p:' and not named[field] then redis.call('HDEL', keys.shop, field) end
end
redis.call('HSET', keys.shop, unpack(fields))
return 1
