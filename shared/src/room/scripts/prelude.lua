-- Put in front of every script of a room. Where an outcome and a departure are written, so that all write them alike.

-- Places per chunk of the departed bitmap, whose version tells gatekeepers what to fetch.
local CHUNK = 65536

-- Outcomes of a number, two bits each.
local OUTCOME = { LEFT = 1, FINISHED = 2, LAPSED = 3 }

-- Milliseconds since 1970 by the clock of Redis, the only one that decides anything here.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- The room's life if the room is there and it is the one expected, else false.
local function same_life(room, life)
  return redis.call('HGET', room, 'life') == life
end

local function mark_departed(departed, versions, place)
  redis.call('SETBIT', departed, place, 1)
  redis.call('HINCRBY', versions, math.floor(place / CHUNK), 1)
end

local function set_outcome(outcomes, number, outcome)
  redis.call('BITFIELD', outcomes, 'SET', 'u2', '#' .. number, outcome)
end

local function outcome_of(outcomes, number)
  return redis.call('BITFIELD', outcomes, 'GET', 'u2', '#' .. number)[1]
end

-- An admission as it stands in the hash: number, when let in (ms), jti ('-' until claimed), until when (ms).
local function read_admission(admissions, visitor)
  local text = redis.call('HGET', admissions, visitor)
  if not text then return nil end
  local number, since, jti, till = string.match(text, '^(%d+) (%d+) (%S+) (%d+)$')
  return { number = number, since = since, jti = jti, till = till }
end

local function write_admission(admissions, active, visitor, admission)
  local text = table.concat({ admission.number, admission.since, admission.jti, admission.till }, ' ')
  redis.call('HSET', admissions, visitor, text)
  redis.call('ZADD', active, admission.till, visitor)
end

-- Ends an admission for good: the slot is free, and its token is refused from now on.
local function end_admission(keys, visitor, admission, outcome)
  redis.call('ZREM', keys.active, visitor)
  redis.call('HDEL', keys.admissions, visitor)
  set_outcome(keys.outcomes, admission.number, outcome)
  if admission.jti ~= '-' then redis.call('ZADD', keys.ended, admission.till, admission.jti) end
end
