--[[
  Ends one admission because its visitor has what it came for; the slot is free at once.
  Names the jti, so that a late call cannot end a later admission. One that Redis has lost since, or has given anew to
  whoever asked for it, is known by its place.
    keys: room ended outcomes removed
    ARGV[1] visitor   ARGV[2] jti   ARGV[3] the token's end, ms   ARGV[4] place   ARGV[5] let in, ms
  Returns 1 when a slot became free, else 0; the token is refused from now on in both cases, and also where there is no room,
  which may be lost: then what has become of the place is not written down, and the caller asks again.
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
local admission = read_admission(ARGV[1])
-- The token's time is cut to seconds; the next life begins a second later at least (create.lua).
local life = tonumber(redis.call('HGET', keys.room, 'life'))
local is_of_this_life = tonumber(ARGV[5]) >= math.floor(life / 1000000) * 1000
local is_same_place = admission and is_of_this_life and admission.place == ARGV[4] and was_lost_once()
if admission and (admission.jti == ARGV[2] or is_same_place) then
  end_admission(ARGV[1], admission, OUTCOME.FINISHED)
  return 1
end
if not is_of_this_life or not end_lost_admission(ARGV[4], OUTCOME.FINISHED) then return 0 end
-- Who joined again since the loss has what they came for, too: neither place nor admission is left to them.
if admission then
  end_admission(ARGV[1], admission, OUTCOME.FINISHED)
else
  gives_up_later_place(ARGV[1], ARGV[4])
end
return 1
