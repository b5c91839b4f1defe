--[[
  Says that a process could write a lost room back, and finds out whether it is the one to do it: the one that remembers
  the newest state. It is decided a moment after the first bid, and if that one does not write, anybody may.
    keys: room bids removed
    ARGV[1] the process   ARGV[2] when it read what it remembers, ms   ARGV[3] the life it remembers
  Returns 'there' (nothing is lost), 'removed', 'wait' or 'write'.
]]
local COLLECT_MS, GIVE_UP_MS = 300, 1500
if redis.call('EXISTS', keys.room) == 1 then return 'there' end
local removed = redis.call('GET', keys.removed)
-- A life is in microseconds; the mark was cut to milliseconds, and may be of the very one in which the life began.
if removed and (tonumber(removed) + 1) * 1000 > tonumber(ARGV[3]) then return 'removed' end
local now = now_ms()
redis.call('HSETNX', keys.bids, 'since', whole(now))
redis.call('HSET', keys.bids, ARGV[1], ARGV[2])
redis.call('PEXPIRE', keys.bids, 10000)
local since, best, newest = now, nil, -1
local bids = redis.call('HGETALL', keys.bids)
for index = 1, #bids, 2 do
  local process, taken_at = bids[index], tonumber(bids[index + 1])
  if process == 'since' then
    since = taken_at
  elseif taken_at > newest or (taken_at == newest and process < best) then
    best, newest = process, taken_at
  end
end
if now < since + COLLECT_MS then return 'wait' end
return (best == ARGV[1] or now > since + GIVE_UP_MS) and 'write' or 'wait'
