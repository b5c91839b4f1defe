--[[
  Removes a room with everything in it. What is left is the time, for as long as any token of the room may live: by it
  check_admission knows the admissions of what was removed, whether or not a room of this name is made again.
    KEYS[1] removed  string  when, ms                      KEYS[4] active  zset  visitor -> claim or end by
    KEYS[2] room     hash                                  KEYS[6] ended   zset  jti -> token's end
    KEYS[…]  all other keys of the room, from the third on
  Returns 1 when there was a room, else 0.
]]
local was_there = redis.call('EXISTS', KEYS[2])
local now = now_ms()
-- An hour for those that Redis has forgotten; five seconds are the verifiers' leeway.
local keep = math.max(3600000, redis.call('PTTL', KEYS[1]))
for _, key in ipairs({ KEYS[4], KEYS[6] }) do
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
  if last then keep = math.max(keep, tonumber(last) + 6000 - now) end
end
-- UNLINK frees a line of a million in the background.
redis.call('UNLINK', KEYS[2], unpack(KEYS, 3))
if was_there == 1 then redis.call('SET', KEYS[1], string.format('%d', now), 'PX', string.format('%d', keep)) end
return was_there
