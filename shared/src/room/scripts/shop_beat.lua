--[[
  A beat of one instance of the shop behind a room. One that is not well is as if it had not beaten, so that another's
  health counts. Of all instances one at a time is told to count the seats.
    keys: room shop
    ARGV[1] 1 when the instance is well, else 0     ARGV[2] least time between two counts, ms; '' when it cannot count
    ARGV[3] how long a shop is remembered that does not beat at all, ms
  Returns the turn, from 1 on, when the caller is to count now; else 0. Writes nothing where there is no room.
]]
if redis.call('EXISTS', keys.room) == 0 then return 0 end
local now = now_ms()
local shop = redis.call('HMGET', keys.shop, 'healthy_at_ms', 'turn_at_ms')
-- By the newest time of Redis, whatever it said before; a shop that was never well is known, and busy.
local healthy_at = ARGV[1] == '1' and now or tonumber(shop[1] or 0)
redis.call('HSET', keys.shop, 'healthy_at_ms', string.format('%d', healthy_at))
redis.call('PEXPIRE', keys.shop, ARGV[3])
local every = tonumber(ARGV[2])
local turn_at = tonumber(shop[2])
if not every or (turn_at and now >= turn_at and now - turn_at < every) then return 0 end
redis.call('HSET', keys.shop, 'turn_at_ms', string.format('%d', now))
return redis.call('HINCRBY', keys.shop, 'turn', 1)
