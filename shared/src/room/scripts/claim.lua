--[[
  Tells visitors whose turn seems to have come what has become of them; an admission is claimed by it, and who was absent
  or forgotten by Redis stands in line again. Claiming again gives the same admission.
    keys: room waiting absent missed promised ended
    ARGV[1] default of the admission's time, ms     ARGV[2] the promise of a beat, units
    ARGV[3..] life, visitor, place, fresh jti, …
  Returns four values a visitor: a word, and for 'admitted' jti, when let in (ms), until when (ms), else '', 0, 0.
  Words: admitted, waiting, left, finished, lapsed, void (the room has another life).
]]
local settings = redis.call('HMGET', keys.room, 'life', 'admission_ttl_ms', 'next', 'run', 'floor', 'moved')
if not settings[1] then return NO_ROOM end
if not knows_places() then return DRAWN end
local life, ttl = settings[1], tonumber(settings[2] or ARGV[1])
local now = now_ms()
local presence = read_presence()
local beat = promise_value(presence.clock_ms, tonumber(ARGV[2]))

local function give(visitor, admission, jti)
  if admission.jti == '-' then
    admission.jti, admission.till = jti, whole(now + ttl)
    write_admission(visitor, admission)
    count_claimed(1)
    redis.call('SREM', keys.missed, visitor)
    note_claimed(admission.place)
  end
  return 'admitted', admission
end

local function admitted(visitor, admission, place, jti)
  if admission.jti ~= '-' and tonumber(admission.till) <= now then
    end_admission(visitor, admission, OUTCOME.LAPSED)
    return 'lapsed'
  end
  if admission.place == '-' then
    admission.place = place
    write_admission(visitor, admission)
    note_claimed(place)
  end
  return give(visitor, admission, jti)
end

local function absent(visitor, place)
  local value = get_all(keys.promised, 'u32', { tonumber(place) })[1]
  if may_return(place, value, presence) then
    put_in_line(visitor, place, beat)
    return 'waiting'
  end
  lapse(visitor, place)
  return 'lapsed'
end

local next_number

-- Redis has lost what it knew: the token says that the place is this visitor's, unless somebody else has it. A later place whose
-- turn has come, and that nobody has come in by, is given up for it as one that still waits is.
local function restored(visitor, admission, place)
  -- Nobody has been taken there from the lobby yet: it is not known what became of them before the draw.
  if settings[6] and tonumber(place) > tonumber(settings[6]) then return 'waiting' end
  if tonumber(place) < tonumber(settings[5] or 0) then return 'lapsed' end
  if redis.call('ZRANGEBYSCORE', keys.waiting, place, place, 'LIMIT', 0, 1)[1] then return 'lapsed' end
  if has_ended_since_loss(visitor) then
    -- The token may be renewed, and the mark not.
    set_outcome(place, OUTCOME.GIVEN_UP)
    return 'lapsed'
  end
  if not gives_up_later_place(visitor, place) then return 'lapsed' end
  if admission then end_admission(visitor, admission, OUTCOME.GIVEN_UP) end
  next_number = next_number or next_of_this_run(tonumber(settings[3]), settings[4])
  if tonumber(place) >= next_number then next_number = jump(next_number, tonumber(place)) end
  put_in_line(visitor, place, beat)
  list_again(place, visitor)
  return 'waiting'
end

-- Claimed before Redis lost the admission: it is given again, unless it is over by now, or its visitor has come in, or
-- stands, by another place further in front.
local function lost(visitor, admission, place, jti)
  local has_come_in = admission and admission.jti ~= '-' or has_ended_since_loss(visitor)
  local is_over = not is_claimed(outcome_of(place))
  if has_come_in or is_over or not gives_up_later_place(visitor, place) then
    end_lost_admission(place, is_over and not has_come_in and OUTCOME.LAPSED or OUTCOME.GIVEN_UP)
    return 'lapsed'
  end
  if admission then end_admission(visitor, admission, OUTCOME.GIVEN_UP) end
  has_shown_up()
  return give(visitor, { place = place, since = whole(now), jti = '-' }, jti)
end

local function outcome(visitor, place, jti)
  local admission = read_admission(visitor)
  if admission and (admission.place == place or admission.place == '-') then
    return admitted(visitor, admission, place, jti)
  end
  if redis.call('ZSCORE', keys.waiting, visitor) == place then return 'waiting' end
  if redis.call('ZSCORE', keys.absent, visitor) == place then return absent(visitor, place) end
  local known = outcome_of(place)
  if OUTCOME_WORDS[known] then return OUTCOME_WORDS[known] end
  if known >= OUTCOME.CLAIMED then return lost(visitor, admission, place, jti) end
  local is_in = admission and (admission.jti ~= '-' or tonumber(admission.place) < tonumber(place))
  return is_in and 'lapsed' or restored(visitor, admission, place)
end

local answer = {}
for index = 3, #ARGV, 4 do
  local word, admission = 'void', nil
  if ARGV[index] == life then word, admission = outcome(ARGV[index + 1], ARGV[index + 2], ARGV[index + 3]) end
  local at = #answer
  answer[at + 1], answer[at + 2] = word, admission and admission.jti or ''
  answer[at + 3] = admission and tonumber(admission.since) or 0
  answer[at + 4] = admission and tonumber(admission.till) or 0
end
return answer
