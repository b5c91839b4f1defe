--[[
  Ends one admission because its visitor has what it came for; the slot is free at once.
  Names the jti, so that a late call cannot end a later admission. One that Redis has lost since, or has given anew to
  whoever asked for it, is known by its place; and what another place was given instead of a lost one ends with it.
    keys: room ended outcomes removed waiting absent
    ARGV[1] visitor   ARGV[2] jti   ARGV[3] the token's end, ms   ARGV[4] place   ARGV[5] let in, ms
  Returns 1 when something of the visitor's ended by it, else 0; the token is refused from now on in both cases, and also where
  there is no room, which may be lost: then what has become of the place is not written down, and the caller asks again.
]]
redis.call('ZADD', keys.ended, 'GT', ARGV[3], ARGV[2])
if redis.call('EXISTS', keys.room) == 0 then
  -- Nobody promotes, and so sweeps, where there is no room: what is kept goes with the last token, leeway included.
  local last = redis.call('ZRANGE', keys.ended, -1, -1, 'WITHSCORES')[2]
  redis.call('PEXPIREAT', keys.ended, whole(last + 6000))
  local removed = redis.call('GET', keys.removed)
  return removed and tonumber(ARGV[5]) <= tonumber(removed) and 0 or NO_ROOM
end
if not knows_places() then return DRAWN end
local visitor, place, let_in = ARGV[1], ARGV[4], tonumber(ARGV[5])
local admission = read_admission(visitor)
-- The token's time is cut to seconds; the next life begins a second later at least (create.lua).
local life = tonumber(redis.call('HGET', keys.room, 'life'))
local is_of_this_life = let_in >= math.floor(life / 1000000) * 1000
local is_same_place = admission and is_of_this_life and admission.place == place
if admission and (admission.jti == ARGV[2] or is_same_place) then
  end_admission(visitor, admission, OUTCOME.FINISHED)
  return 1
end

if not is_of_this_life or not tonumber(place) then return 0 end

-- Redis has lost the admission if its outcome still says that it was claimed; or, where nobody remembers as much, because the
-- claim was the last that happened, if its visitor stands in line there again, if it is from before the loss, or if the place has
-- lapsed before the admission was over. And a place that is given up, because its visitor has come in by another one since, or
-- stands further in front, may have bought all the same.
local function is_lost()
  if end_lost_admission(place, OUTCOME.FINISHED) then return true end
  if redis.call('ZSCORE', keys.waiting, visitor) == place or redis.call('ZSCORE', keys.absent, visitor) == place then return true end
  local known, restored_at = outcome_of(place), tonumber(redis.call('HGET', keys.room, 'restored_at_ms'))
  if known == OUTCOME.GIVEN_UP then return admission and not has_ended_since_loss(visitor) end
  if known == OUTCOME.LAPSED then return tonumber(ARGV[3]) > now_ms() end
  return known == 0 and restored_at and let_in <= restored_at
end

if not is_lost() then
  -- It has bought all the same: a token of it that was stretched outlives what is listed as ended.
  local known = outcome_of(place)
  if known == OUTCOME.LAPSED or known == OUTCOME.GIVEN_UP then set_outcome(place, OUTCOME.FINISHED) end
  return 0
end
-- Who has joined again since the loss has what they came for, too: neither a place nor an admission is left to them.
if admission then
  end_admission(visitor, admission, OUTCOME.FINISHED)
else
  gives_up_later_place(visitor, tonumber(place) - 1)
end
mark_departed({ tonumber(place) }, 1)
set_outcome(place, OUTCOME.FINISHED)
note_end_since_loss(visitor)
return 1
