--[[
  Makes a room. One that is there already is left as it is.
    keys: room ended removed changes bids
    ARGV[1]        who makes it
    ARGV[2..]      field, value, … of the settings
  Returns 1 when it was made, 0 when it was there, or as negative milliseconds how long to wait: a life begins no earlier
  than a second after the last removal, because tokens carry whole seconds, and not while a lost one is being written back.
]]
if redis.call('EXISTS', keys.room) == 1 then return 0 end
if redis.call('EXISTS', keys.bids) == 1 then return -250 end
local removed = redis.call('GET', keys.removed)
if removed then
  local wait = tonumber(removed) + 1000 - now_ms()
  if wait > 0 then return -math.min(wait, 1000) end
end
-- What ended while there was no room stays refused; finish.lua gave it an end, which this life's entries must not share.
redis.call('PERSIST', keys.ended)
local time = redis.call('TIME')
-- Microseconds: two lives of a room never begin within the same one.
local life = string.format('%d%06d', time[1], time[2])
redis.call('HSET', keys.room, 'life', life, 'version', 1, 'next', 1, 'admitted_total', 0, 'run', this_run(), unpack(ARGV, 2))
-- Of a room that was removed and made again the log goes on, and no longer ends by itself.
redis.call('PERSIST', keys.changes)
local settings = {}
for index = 2, #ARGV, 2 do settings[#settings + 1] = ARGV[index] .. '=' .. ARGV[index + 1] end
log_change(ARGV[1], 'created', nil, table.concat(settings, ' '))
return 1
