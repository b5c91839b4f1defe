--[[
  Removes a room with everything in it. What is left is the time, for as long as any token of the room may live: by it
  check_admission knows the admissions of what was removed, whether or not a room of this name is made again. And, for
  a month, who changed what.
    keys: room active ended removed changes
    ARGV[1] who removes it
  Returns 1 when there was a room, else 0.
]]
local was_there = redis.call('EXISTS', keys.room)
local now = now_ms()
-- An hour for those that Redis has forgotten; five seconds are the verifiers' leeway.
local keep = math.max(3600000, redis.call('PTTL', keys.removed))
for _, key in ipairs({ keys.active, keys.ended }) do
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
  if last then keep = math.max(keep, tonumber(last) + 6000 - now) end
end
-- UNLINK frees a line of a million in the background.
for name, key in pairs(keys) do
  if name ~= 'removed' and name ~= 'changes' then redis.call('UNLINK', key) end
end
if was_there == 1 then
  redis.call('SET', keys.removed, string.format('%d', now), 'PX', string.format('%d', keep))
  log_change(ARGV[1], 'removed')
  redis.call('EXPIRE', keys.changes, 30 * 86400)
end
return was_there
