--[[
  Makes a room. One that is there already is left as it is.
    KEYS[1] room  hash
    ARGV[1..]     field, value, … of the settings
  Returns 1 when it was made, 0 when it was there.
]]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local time = redis.call('TIME')
-- Microseconds: two lives of a room never begin within the same one.
local life = string.format('%d%06d', time[1], time[2])
redis.call('HSET', KEYS[1], 'life', life, 'version', 1, 'next', 1, 'admitted_total', 0, unpack(ARGV))
return 1
