--[[
  Lets the next present visitors of one room in: in order of place, never faster than its rate, never beyond its capacity.
  Who missed the promise of a beat is passed over and becomes absent. The token bucket is in the room, so any number of
  admitters calling gives the rate of one.
    keys: room waiting active admissions ended missed absent promised turns outcomes shop lobby lobby_absent
    ARGV[1] the caller's tick, ms      ARGV[2] most visitors let in, swept out or passed over
    ARGV[3] default of the claim's time, ms
  Returns false when there is no such room, else {promoted, expired, waiting, active, admitted in all, absent, passed over}.
  Limit: what the rate gives in two ticks, at least a thousand, at most ARGV[2] visitors each way; the next call goes on.
]]
local settings = redis.call('HMGET', keys.room, 'state', 'rate', 'capacity', 'opens_at_ms',
  'bucket', 'bucket_at_ms', 'claim_ttl_ms', 'admitted_total', 'restored_at_ms',
  'lottery_commitment', 'lottery_seed', 'moved', 'resumed_at_ms', 'lost_active', 'lost_active_until_ms')
local state, rate, capacity, opens_at = settings[1], tonumber(settings[2] or 0), tonumber(settings[3]), tonumber(settings[4])
if not state then return false end
local now, tick = now_ms(), tonumber(ARGV[1])
local claim_ttl = tonumber(settings[7] or ARGV[3])
local presence = read_presence()
-- Twice what the rate gives in a tick, so that a late one is made up for; a thousand take some milliseconds.
local limit = math.min(tonumber(ARGV[2]), math.max(1000, math.ceil(rate * 2 * tick / 1000)))

-- A lottery opens its room by its draw.
local is_to_be_drawn = settings[10] and not settings[11]
if state == 'scheduled' and opens_at and now >= opens_at and not is_to_be_drawn then
  state = 'open'
  redis.call('HSET', keys.room, 'state', state)
  redis.call('HINCRBY', keys.room, 'version', 1)
  log_change('opening time', 'state', 'scheduled', 'open')
end

-- While no admitter came, or Redis was away, nobody could claim: that time does not count.
local resumed_at = tonumber(settings[13] or 0)
if now > tonumber(settings[6] or now) + OUTAGE_MS then
  resumed_at = now
  redis.call('HSET', keys.room, 'resumed_at_ms', whole(now))
end

-- Who has not claimed in time goes back to where absent visitors are, once; who has not finished in time makes room for good.
local function expire(visitor)
  local admission = read_admission(visitor)
  if not admission then
    redis.call('ZREM', keys.active, visitor)
  elseif admission.jti == '-' and tonumber(admission.since) < resumed_at and now < resumed_at + claim_ttl then
    admission.till = whole(resumed_at + claim_ttl)
    write_admission(visitor, admission)
  elseif admission.jti ~= '-' or redis.call('SADD', keys.missed, visitor) == 0 then
    end_admission(visitor, admission, OUTCOME.LAPSED)
  else
    forget_admission(visitor)
    redis.call('ZADD', keys.absent, admission.place, visitor)
    local promised = get_all(keys.promised, 'u32', { tonumber(admission.place) })[1]
    set_all(keys.promised, 'u32', { tonumber(admission.place) }, promised - promise_units(promised) + ABSENT)
  end
end

local overdue = redis.call('ZRANGEBYSCORE', keys.active, '-inf', now, 'LIMIT', 0, limit)
for _, visitor in ipairs(overdue) do expire(visitor) end
-- A token that has expired by itself need not be remembered as ended; five seconds are the verifiers' leeway.
local expired = redis.call('ZRANGEBYSCORE', keys.ended, '-inf', now - 6000, 'LIMIT', 0, math.min(limit, MOST_ARGUMENTS))
if #expired > 0 then redis.call('ZREM', keys.ended, unpack(expired)) end

-- The bucket holds 0.3 s of the rate, at least two ticks and at least one admission: a stall is not followed by a burst.
-- At rate 0 it holds nothing: what was in it is not let in.
local most = rate > 0 and math.max(rate * 0.3, rate * 2 * tick / 1000, 1) or 0
local elapsed = math.max(0, now - tonumber(settings[6] or now))
local bucket = math.min(most, tonumber(settings[5] or 0) + rate * elapsed / 1000)

local active = redis.call('ZCARD', keys.active)
local allowed = math.min(math.floor(bucket), limit)
local lost_active = tonumber(settings[14] or 0)
if lost_active > 0 and now >= tonumber(settings[15] or 0) then
  redis.call('HDEL', keys.room, 'lost_active')
  lost_active = 0
end
if capacity then allowed = math.min(allowed, capacity - active - lost_active) end

local function may_promote()
  if state ~= 'open' and state ~= 'draining' then return false end
  -- A shop that does not say that it is well is not sent anybody.
  local healthy_at = redis.call('HGET', keys.shop, 'healthy_at_ms')
  if healthy_at and now > tonumber(healthy_at) + SHOP_STALE_MS then return false end
  -- After a loss everybody who waits is given the moment in which their beats arrive, or those behind would overtake them.
  local restored_at = tonumber(settings[9] or 0)
  return now < restored_at or now >= restored_at + RESTORE_HOLD_MS
end

-- Lets one in. The time to claim is as long as the promise of the beat: who keeps it cannot miss the claim.
local function admit(visitor, place, value)
  local promised_ms = seen_ms_of(value, presence.clock_ms) + promise_units(value) * PROMISE_UNIT_MS - presence.clock_ms
  local till = now + math.max(claim_ttl, promised_ms)
  write_admission(visitor, { place = place, since = whole(now), jti = '-', till = whole(till) })
end

-- Behind it stand only those who joined after a draw, and in front of them everybody who is still in the lobby.
local last_place = tonumber(settings[12] or math.huge)

-- Looks at the next `count` in line. Returns how many were let in and how many were passed over.
local function take(count, wanted)
  local front = redis.call('ZRANGE', keys.waiting, 0, count - 1, 'WITHSCORES')
  local places, let_in, missing, gone = {}, {}, {}, {}
  for index = 2, #front, 2 do places[#places + 1] = tonumber(front[index]) end
  local last
  for index, value in ipairs(get_all(keys.promised, 'u32', places)) do
    if #let_in == wanted or places[index] > last_place then break end
    local visitor, place = front[2 * index - 1], front[2 * index]
    if is_present(value, presence.clock_ms) then
      admit(visitor, place, value)
      let_in[#let_in + 1], gone[#gone + 1] = visitor, places[index]
    else
      missing[#missing + 1] = { visitor, place, value }
    end
    last = places[index]
  end
  if #let_in > 0 then
    redis.call('ZREM', keys.waiting, unpack(let_in))
    mark_departed(gone, 1)
  end
  make_absent(missing)
  return #let_in, #missing, last
end

local promoted, passed = 0, 0
if allowed >= 1 and may_promote() then
  local last
  while promoted < allowed and promoted + passed < limit do
    local count = math.min(limit - promoted - passed, math.max(2 * (allowed - promoted), 32), 1000)
    local let_in, missing, upto = take(count, allowed - promoted)
    if not upto then break end
    promoted, passed, last = promoted + let_in, passed + missing, upto
  end
  -- Everybody up to here has had their turn.
  if last and last > presence.front then
    redis.call('HSET', keys.room, 'front', whole(last))
    redis.call('ZADD', keys.turns, last, math.floor(presence.clock_ms / 1000))
    redis.call('ZREMRANGEBYRANK', keys.turns, 0, -TURNS_KEPT - 1)
  end
end

redis.call('HSET', keys.room, 'bucket', string.format('%.6f', bucket - promoted), 'bucket_at_ms', whole(now))
local total = tonumber(settings[8] or 0)
if promoted > 0 then total = redis.call('HINCRBY', keys.room, 'admitted_total', promoted) end
local waiting = redis.call('ZCARD', keys.waiting) + redis.call('ZCARD', keys.lobby)
local absent = redis.call('ZCARD', keys.absent) + redis.call('ZCARD', keys.lobby_absent)
return { promoted, #overdue, waiting, active + lost_active + promoted, total, absent, passed }
