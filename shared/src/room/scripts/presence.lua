--[[
  One chunk of the promises of beats as they stand, for whoever looks for those that were missed.
    keys: room waiting promised
    ARGV[1]  the chunk; an earlier one than that of the first in line means that of the first in line
  Returns false when there is no such room or nobody waits, else {clock (ms), next number, chunk, bytes}: four bytes a place,
  highest first, 256 kB at most.
]]
local next_number = redis.call('HGET', keys.room, 'next')
local first = redis.call('ZRANGE', keys.waiting, 0, 0, 'WITHSCORES')[2]
if not next_number or not first then return false end
local chunk = math.max(tonumber(ARGV[1]), math.floor(tonumber(first) / CHUNK))
return { read_presence().clock_ms, tonumber(next_number), chunk,
  redis.call('GETRANGE', keys.promised, chunk * CHUNK * 4, (chunk + 1) * CHUNK * 4 - 1) }
