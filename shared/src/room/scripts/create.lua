--[[
  Makes a room. One that is there already is left as it is.
    KEYS[1] room   hash                     KEYS[3] removed  string  there for a second after a room of this name was removed
    KEYS[2] ended  zset  jti -> token's end
    ARGV[1..]      field, value, … of the settings
  Returns 1 when it was made, 0 when it was there, or how long the mark of the last removal still lasts, as negative milliseconds.
]]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local mark = redis.call('PTTL', KEYS[3])
if mark >= 0 then return -math.max(mark, 1) end
-- What ended late in an earlier life is refused by this life.
redis.call('UNLINK', KEYS[2])
local time = redis.call('TIME')
-- Microseconds: two lives of a room never begin within the same one.
local life = string.format('%d%06d', time[1], time[2])
redis.call('HSET', KEYS[1], 'life', life, 'version', 1, 'next', 1, 'admitted_total', 0, unpack(ARGV))
return 1
