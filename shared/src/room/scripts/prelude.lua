-- Put in front of every script of a room: the names of its keys, and each thing that more than one script writes, so that
-- all write it alike. Everything is by place, the order in line.

-- All scripts get all keys of the room, in this order; keys.rs says what each holds.
local keys = {}
for index, name in ipairs({ 'room', 'waiting', 'active', 'admissions', 'ended', 'departed', 'departed_versions', 'outcomes',
  'outcome_versions', 'promised', 'absent', 'missed', 'turns', 'gatekeepers', 'removed', 'shop', 'bids', 'changes',
  'lottery', 'joins', 'lobby', 'lobby_absent', 'lobby_promised', 'lobby_outcomes', 'reporter' }) do
  keys[name] = KEYS[index]
end

-- Places per chunk of the bitmap and of the outcomes, whose versions tell what to fetch.
local CHUNK = 65536

-- Outcomes of a place, four bits each. LAPSED has run out of time. GIVEN_UP has lapsed for another place of its visitor since
-- Redis forgot something: one further in front, or one that they have come in by, or were evicted from. CLAIMED and the values
-- behind it are not the end, but tell who had been let in if Redis forgets the rest, and after how many losses (modulo these
-- values): what an earlier loss has lost may be over at the next.
local OUTCOME = { LEFT = 1, FINISHED = 2, LAPSED = 3, GIVEN_UP = 4, CLAIMED = 5 }
local CLAIMED_VALUES = 11
local OUTCOME_WORDS = { 'left', 'finished', 'lapsed', 'lapsed' }

-- Arguments of one command must fit on Lua's stack of 8,000.
local MOST_ARGUMENTS = 6000

-- A shop that has not said for so long that it is well is busy or dead.
local SHOP_STALE_MS = 5000
-- A gatekeeper that has not flushed for so long is no longer counted.
local GATEKEEPER_LIVES_MS = 5000
-- A promotion that comes so long after the last one was held up by an outage.
local OUTAGE_MS = 2000
-- After a room was written back, promotion waits for the beats that every gatekeeper has kept.
local RESTORE_HOLD_MS = 1000

-- Milliseconds since 1970 by the clock of Redis, the only one that decides anything here.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function whole(number)
  return string.format('%d', number)
end

-- The room's life if the room is there and it is the one expected, else false.
local function same_life(room, life)
  return redis.call('HGET', room, 'life') == life
end

-- Behind the keys, and no key: how many places the caller knows to be drawn by lottery, by which it turns numbers into places.
-- A script that is told places first asks whether it was told the right ones; who was not learns them and calls again.
local DRAWN = { err = 'DRAWN the places of the room have been drawn meanwhile' }

local function knows_places()
  local room = redis.call('HMGET', keys.room, 'lottery_seed', 'lottery_size')
  return (room[1] and room[2] or '0') == string.match(KEYS[#KEYS], '%d+$')
end

-- What is asked of a room that is not there: it was removed a moment ago, or Redis has lost it and it is about to be written
-- back. The caller does not know which, so neither is anybody's token void nor is there nothing to leave.
local NO_ROOM = { err = 'NOROOM the room is not there' }

-- The number of whoever still stands in the lobby, before or behind the curtain of absence; else nil.
local function number_in_lobby(visitor)
  return redis.call('ZSCORE', keys.lobby, visitor) or redis.call('ZSCORE', keys.lobby_absent, visitor) or nil
end

-- Raises the versions of the chunks in which `places` lie.
local function bump(versions, places)
  local counts = {}
  for _, place in ipairs(places) do
    local chunk = math.floor(place / CHUNK)
    counts[chunk] = (counts[chunk] or 0) + 1
  end
  for chunk, count in pairs(counts) do redis.call('HINCRBY', versions, chunk, count) end
end

-- Sets the values of many places in one string: `kind` is BITFIELD's (u1, u4, u32), `value` a number or a list as long as `places`.
local function set_all(key, kind, places, value)
  local command = {}
  for index, place in ipairs(places) do
    local at = #command
    command[at + 1], command[at + 2], command[at + 3] = 'SET', kind, '#' .. whole(place)
    command[at + 4] = type(value) == 'table' and value[index] or value
    if #command >= MOST_ARGUMENTS then
      redis.call('BITFIELD', key, unpack(command))
      command = {}
    end
  end
  if #command > 0 then redis.call('BITFIELD', key, unpack(command)) end
end

-- The values of many places of one string, in their order.
local function get_all(key, kind, places)
  local values, command = {}, {}
  local function ask()
    for _, value in ipairs(redis.call('BITFIELD', key, unpack(command))) do values[#values + 1] = value end
    command = {}
  end
  for _, place in ipairs(places) do
    local at = #command
    command[at + 1], command[at + 2], command[at + 3] = 'GET', kind, '#' .. whole(place)
    if #command >= MOST_ARGUMENTS then ask() end
  end
  if #command > 0 then ask() end
  return values
end

-- Chunks of the departed bitmap (`bits` 1) or of the outcomes (4), each with the version it has: version, bytes, ….
local function read_chunks(data, versions, bits, chunks)
  local bytes = CHUNK * bits / 8
  local read = {}
  for _, chunk in ipairs(chunks) do
    read[#read + 1] = tonumber(redis.call('HGET', versions, chunk) or 0)
    read[#read + 1] = redis.call('GETRANGE', data, tonumber(chunk) * bytes, (tonumber(chunk) + 1) * bytes - 1)
  end
  return read
end

-- `bit` 1: the places are no longer in waiting; 0: they are again.
local function mark_departed(places, bit)
  if #places == 0 then return end
  set_all(keys.departed, 'u1', places, bit)
  bump(keys.departed_versions, places)
end

local function set_outcome(place, outcome)
  if not tonumber(place) then return end
  set_all(keys.outcomes, 'u4', { tonumber(place) }, outcome)
  bump(keys.outcome_versions, { tonumber(place) })
end

local function outcome_of(place)
  return redis.call('BITFIELD', keys.outcomes, 'GET', 'u4', '#' .. place)[1]
end

-- An admission as it stands in the hash: place ('-' where it is not known), when let in (ms), jti ('-' until claimed), until when (ms).
local function parse_admission(text)
  if not text then return nil end
  local place, since, jti, till = string.match(text, '^(%S+) (%d+) (%S+) (%d+)$')
  return { place = place, since = since, jti = jti, till = till }
end

local function read_admission(visitor)
  return parse_admission(redis.call('HGET', keys.admissions, visitor))
end

local function write_admission(visitor, admission)
  local text = table.concat({ admission.place, admission.since, admission.jti, admission.till }, ' ')
  redis.call('HSET', keys.admissions, visitor, text)
  redis.call('ZADD', keys.active, admission.till, visitor)
  -- When the last of those that are claimed is over, is remembered with the room.
  if admission.jti ~= '-' and tonumber(admission.till) > tonumber(redis.call('HGET', keys.room, 'claimed_until_ms') or 0) then
    redis.call('HSET', keys.room, 'claimed_until_ms', admission.till)
  end
end

local function forget_admission(visitor)
  redis.call('ZREM', keys.active, visitor)
  redis.call('HDEL', keys.admissions, visitor)
end

-- How many of the active set have claimed is kept beside it: of those Redis' loss leaves people in the shop.
local function count_claimed(change) redis.call('HINCRBY', keys.room, 'claimed', change) end

local function note_claimed(place)
  set_outcome(place, OUTCOME.CLAIMED + tonumber(redis.call('HGET', keys.room, 'losses') or 0) % CLAIMED_VALUES)
end

-- Whether an outcome says that its place's admission was claimed, and that admission, if it is lost, may not be over.
local function is_claimed(outcome)
  if outcome < OUTCOME.CLAIMED then return false end
  local room = redis.call('HMGET', keys.room, 'losses', 'losses_over', 'lost_active_until_ms')
  local losses, over = tonumber(room[1] or 0), tonumber(room[2] or 0)
  if room[3] and now_ms() >= tonumber(room[3]) then over = losses end
  return (losses - outcome + OUTCOME.CLAIMED) % CLAIMED_VALUES <= losses - over
end

-- Who has been in and has ended since a loss is remembered for as long as another token of theirs may live that is of a place from
-- before it; beside the ids of admissions, of which none has a blank.
local function note_end_since_loss(visitor)
  local till = tonumber(redis.call('HGET', keys.room, 'lost_places_until_ms'))
  if till and now_ms() < till then redis.call('ZADD', keys.ended, till, 'visitor ' .. visitor) end
end

local function has_ended_since_loss(visitor) return redis.call('ZSCORE', keys.ended, 'visitor ' .. visitor) ~= false end

-- Ends an admission for good: the slot is free, and its token is refused from now on.
local function end_admission(visitor, admission, outcome)
  forget_admission(visitor)
  redis.call('SREM', keys.missed, visitor)
  set_outcome(admission.place, outcome)
  if admission.jti ~= '-' then
    redis.call('ZADD', keys.ended, admission.till, admission.jti)
    count_claimed(-1)
    note_end_since_loss(visitor)
  end
end

-- Whether Redis has lost this room since it was made, and it was written back.
local function was_lost_once()
  return redis.call('HEXISTS', keys.room, 'restored_at_ms') == 1
end

-- Of those who were in the shop when Redis lost the room their slots alone are known: each stays taken until its visitor
-- shows up (which this notes) or the longest admission is over (promote.lua).
local function has_shown_up()
  if tonumber(redis.call('HGET', keys.room, 'lost_active') or 0) > 0 then redis.call('HINCRBY', keys.room, 'lost_active', -1) end
end

-- Ends an admission that Redis has lost, of which the outcome still says that it was claimed. Whether it was one.
local function end_lost_admission(place, outcome)
  if not tonumber(place) or not was_lost_once() then return false end
  local known = outcome_of(place)
  if known < OUTCOME.CLAIMED then return false end
  if is_claimed(known) then has_shown_up() end
  set_outcome(place, outcome)
  return true
end

--[[
  Presence. Each place has four bytes: when its visitor was last seen, in halves of a second on the presence clock (the upper 24
  bits), and for how long the next beat was promised, in units of 1.5 s (the lower 8). 0: nothing is promised. The newest beat
  has simply the greatest value. The clock is the room's own: it goes on by a second at most for each flush of beats, and not at
  all while none come, so that neither an outage nor another host's clock makes anybody absent.
]]
local SEEN_UNIT_MS, PROMISE_UNIT_MS = 500, 1500
-- In place of a promise: its visitor is absent.
local ABSENT = 255
-- Where the clock of a new room stands, so that a beat that was seen a while ago lies not before its beginning.
local CLOCK_BEGINS_MS = 3600000
-- What a visitor may count on who does not come back in time: since the last beat, and since their turn.
local LATE_RETURN_MS, AFTER_TURN_MS = 600000, 120000
-- Turns are kept a little longer than they count, one for each second.
local TURNS_KEPT = 200

-- Times of sight are kept modulo 97 days: what is compared lies within half of that.
local SEEN_MODULUS = 16777216

local function promise_value(seen_ms, units)
  return math.max(0, math.floor(seen_ms / SEEN_UNIT_MS)) % SEEN_MODULUS * 256 + units
end

local function promise_units(value) return value % 256 end

local function seen_ms_of(value, clock_ms)
  local clock = math.floor(clock_ms / SEEN_UNIT_MS)
  local age = (clock - math.floor(value / 256)) % SEEN_MODULUS
  if age >= SEEN_MODULUS / 2 then age = age - SEEN_MODULUS end
  return (clock - age) * SEEN_UNIT_MS
end

-- Whether the beat `value` was later than the beat `before`.
local function is_newer(value, before)
  local later = (value - before) % 4294967296
  return later ~= 0 and later < 2147483648
end

-- Whether a visitor has kept the promise so far. Times of sight are cut to their unit, so a unit is given.
local function is_present(value, clock_ms)
  local units = promise_units(value)
  return units ~= ABSENT and seen_ms_of(value, clock_ms) + SEEN_UNIT_MS + units * PROMISE_UNIT_MS >= clock_ms
end

-- What presence is judged by: the clock, how far promotion has come, the windows.
local function read_presence()
  local fields = redis.call('HMGET', keys.room, 'clock_ms', 'front', 'late_return_ms', 'after_turn_ms', 'lapse_from_ms', 'state')
  return {
    clock_ms = tonumber(fields[1] or CLOCK_BEGINS_MS), front = tonumber(fields[2] or 0),
    late_return_ms = tonumber(fields[3] or LATE_RETURN_MS), after_turn_ms = tonumber(fields[4] or AFTER_TURN_MS),
    lapse_from_ms = tonumber(fields[5] or 0), never_lapses = fields[6] == 'scheduled' or fields[6] == 'paused',
  }
end

-- Whether an absent visitor may still come back: until late_return after the last beat, and in any case until their turn
-- has come and a while has passed; never too late while the room is scheduled or paused, nor late_return after that.
local function may_return(place, value, presence)
  local clock = presence.clock_ms
  if presence.never_lapses or tonumber(place) > presence.front then return true end
  local last = math.max(seen_ms_of(value, clock), presence.lapse_from_ms)
  if clock <= last + SEEN_UNIT_MS + presence.late_return_ms then return true end
  local turn = redis.call('ZRANGEBYSCORE', keys.turns, place, '+inf', 'LIMIT', 0, 1)[1]
  return turn ~= nil and clock <= tonumber(turn) * 1000 + presence.after_turn_ms
end

-- Takes visitors out of the line who have missed their promise: {visitor, place, value}, ….
local function make_absent(missing)
  if #missing == 0 then return end
  local visitors, scored, places, values = {}, {}, {}, {}
  for index, one in ipairs(missing) do
    visitors[index], places[index] = one[1], tonumber(one[2])
    scored[2 * index - 1], scored[2 * index] = one[2], one[1]
    values[index] = one[3] - promise_units(one[3]) + ABSENT
  end
  redis.call('ZREM', keys.waiting, unpack(visitors))
  redis.call('ZADD', keys.absent, unpack(scored))
  set_all(keys.promised, 'u32', places, values)
  mark_departed(places, 1)
end

-- Puts somebody (back) into the line at their place.
local function put_in_line(visitor, place, value)
  redis.call('ZREM', keys.absent, visitor)
  redis.call('ZADD', keys.waiting, place, visitor)
  set_all(keys.promised, 'u32', { tonumber(place) }, value)
  mark_departed({ tonumber(place) }, 0)
end

-- Whose place was forgotten before a draw was forgotten by its list, too, for both are written at once; they take part in it
-- all the same, and the proof says that the list was made anew. Once its hash is published, nothing is added to it.
local function list_again(number, visitor)
  local room = redis.call('HMGET', keys.room, 'lottery_commitment', 'lottery_seed', 'lottery_size', 'lottery_list')
  if not room[1] or room[2] or room[4] or tonumber(number) > tonumber(room[3] or number) then return end
  redis.call('RPUSH', keys.joins, number .. ' ' .. visitor)
  redis.call('HSET', keys.room, 'lottery_list_was_lost', 1)
end

-- Whether a visitor may be put back at a place that Redis has forgotten. Who has joined again meanwhile stands further behind,
-- and gives that place up; nobody stands twice, nor goes back. In the lobby of a lottery stands only who comes behind all
-- places that are taken there already, among them any to be put back at.
local function gives_up_later_place(visitor, place)
  local number = number_in_lobby(visitor)
  if number then
    redis.call('ZREM', keys.lobby, visitor)
    redis.call('ZREM', keys.lobby_absent, visitor)
    set_all(keys.lobby_outcomes, 'u4', { tonumber(number) }, OUTCOME.GIVEN_UP)
  end
  for _, key in ipairs({ keys.waiting, keys.absent }) do
    local later = redis.call('ZSCORE', key, visitor)
    if later and tonumber(later) <= tonumber(place) then return false end
    if later then
      redis.call('ZREM', key, visitor)
      redis.call('SREM', keys.missed, visitor)
      set_all(keys.promised, 'u32', { tonumber(later) }, 0)
      mark_departed({ tonumber(later) }, 1)
      set_outcome(later, OUTCOME.GIVEN_UP)
    end
  end
  return true
end

-- An absent visitor's place is given up for good.
local function lapse(visitor, place)
  redis.call('ZREM', keys.absent, visitor)
  redis.call('SREM', keys.missed, visitor)
  set_all(keys.promised, 'u32', { tonumber(place) }, 0)
  set_outcome(place, OUTCOME.LAPSED)
end

--[[
  A run of Redis that does not know the last one may have forgotten the last numbers of it (the tail of its file, or what had
  not reached a replica). No number may be given twice, so the first script that notices jumps over all that can be missing.
  What lies between counts as gone; a token that carries such a number puts its visitor there.
]]
local GAP = CHUNK

-- `beyond`: a number that is known to have been given.
local function jump(next_number, beyond)
  local last = math.max(next_number, (beyond or 0) + 1) + GAP - 1
  local places = { last }
  for place = next_number, last, CHUNK do places[#places + 1] = place end
  local first_byte, last_byte = math.ceil(next_number / 8), math.floor((last + 1) / 8) - 1
  redis.call('SETRANGE', keys.departed, first_byte, string.rep('\255', last_byte - first_byte + 1))
  local edges = {}
  for place = next_number, first_byte * 8 - 1 do edges[#edges + 1] = place end
  for place = (last_byte + 1) * 8, last do edges[#edges + 1] = place end
  if #edges > 0 then set_all(keys.departed, 'u1', edges, 1) end
  bump(keys.departed_versions, places)
  redis.call('HSET', keys.room, 'next', whole(last + 1))
  return last + 1
end

-- Another one after each start of this Redis, and on another server.
local function this_run()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end

-- Returns the next number to give, after a jump where one is due.
local function next_of_this_run(next_number, known_run)
  local run = this_run()
  if run == known_run then return next_number end
  redis.call('HSET', keys.room, 'run', run)
  if not known_run then return next_number end
  -- Versions that were lost may be reached again with other content.
  for _, versions in ipairs({ keys.departed_versions, keys.outcome_versions }) do
    for _, chunk in ipairs(redis.call('HKEYS', versions)) do redis.call('HINCRBY', versions, chunk, CHUNK) end
  end
  return jump(next_number)
end

-- Writes down who changed what: the last ten thousand changes of a room, each with the time in its id.
local function log_change(by, what, before, after)
  redis.call('XADD', keys.changes, 'MAXLEN', 10000, '*', 'by', by, 'what', what, 'from', before or '', 'to', after or '')
end
