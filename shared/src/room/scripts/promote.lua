--[[
  Lets the next visitors of one room in: in order of place, never faster than its rate, never beyond its capacity.
  The token bucket is in the room, so any number of admitters calling gives the rate of one.
    KEYS[1] room     hash  state, rate, capacity, bucket   KEYS[5] ended      zset    jti -> token's end
    KEYS[2] waiting  zset  visitor -> place                KEYS[6] departed   bitmap  by place
    KEYS[3] active   zset  visitor -> claim or end by      KEYS[7] versions   hash    chunk -> version
    KEYS[4] admissions  hash  visitor -> admission         KEYS[8] outcomes   string  2 bits by number
    ARGV[1] the caller's tick, ms      ARGV[2] most visitors let in or swept out     ARGV[3] default of the claim's time, ms
  Returns false when there is no such room, else {promoted, expired, waiting, active, admitted in all}.
  Limit: what the rate gives in two ticks, at least a thousand, at most ARGV[2] visitors each way; the next call goes on.
]]
local keys = { active = KEYS[3], admissions = KEYS[4], ended = KEYS[5], outcomes = KEYS[8] }
local settings = redis.call('HMGET', KEYS[1], 'state', 'rate', 'capacity', 'opens_at_ms',
  'bucket', 'bucket_at_ms', 'claim_ttl_ms', 'admitted_total')
local state, rate, capacity, opens_at = settings[1], tonumber(settings[2] or 0), tonumber(settings[3]), tonumber(settings[4])
if not state then return false end
local now, tick = now_ms(), tonumber(ARGV[1])
-- Twice what the rate gives in a tick, so that a late one is made up for; a thousand take some milliseconds.
local limit = math.min(tonumber(ARGV[2]), math.max(1000, math.ceil(rate * 2 * tick / 1000)))

if state == 'scheduled' and opens_at and now >= opens_at then
  state = 'open'
  redis.call('HSET', KEYS[1], 'state', state)
  redis.call('HINCRBY', KEYS[1], 'version', 1)
end

-- Who has not claimed or not finished in time makes room.
local overdue = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, limit)
for _, visitor in ipairs(overdue) do
  local admission = read_admission(keys.admissions, visitor)
  if admission then
    end_admission(keys, visitor, admission, OUTCOME.LAPSED)
  else
    redis.call('ZREM', KEYS[3], visitor)
  end
end
-- A token that has expired by itself need not be remembered as ended; five seconds are the verifiers' leeway.
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - 6000)

-- The bucket holds 0.3 s of the rate, at least two ticks and at least one admission: a stall is not followed by a burst.
local most = math.max(rate * 0.3, rate * 2 * tick / 1000, 1)
local elapsed = math.max(0, now - tonumber(settings[6] or now))
local bucket = math.min(most, tonumber(settings[5] or 0) + rate * elapsed / 1000)

local active = redis.call('ZCARD', KEYS[3])
local allowed = math.min(math.floor(bucket), limit)
if capacity then allowed = math.min(allowed, capacity - active) end
local promoted = 0
if allowed >= 1 and (state == 'open' or state == 'draining') then
  local popped = redis.call('ZPOPMIN', KEYS[2], allowed)
  local till = now + tonumber(settings[7] or ARGV[3])
  for index = 1, #popped, 2 do
    local visitor, place = popped[index], popped[index + 1]
    mark_departed(KEYS[6], KEYS[7], place)
    write_admission(keys.admissions, keys.active, visitor,
      { number = place, since = string.format('%d', now), jti = '-', till = string.format('%d', till) })
    promoted = promoted + 1
  end
end
redis.call('HSET', KEYS[1], 'bucket', string.format('%.6f', bucket - promoted), 'bucket_at_ms', string.format('%d', now))
local total = tonumber(settings[8] or 0)
if promoted > 0 then total = redis.call('HINCRBY', KEYS[1], 'admitted_total', promoted) end
return { promoted, #overdue, redis.call('ZCARD', KEYS[2]), active + promoted, total }
