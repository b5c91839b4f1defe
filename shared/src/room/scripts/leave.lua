--[[
  Takes visitors out of the line, or out of the active set: the place or the slot is free again.
    keys: room waiting absent missed promised departed outcomes lobby lobby_absent ended
    ARGV[1] '', or the operator who evicts, which the log then has
    ARGV[2..] life, visitor, place, number, … ; life '' and place '' mean whatever the visitor has (an operator evicts)
  Returns one value a visitor: 1 when it left now, 0 when there was nothing to leave; to an operator who evicts somebody from
  the lobby the number, negative, whose place is to be named.
]]
-- Whether the place is one of a line that Redis has lost and that is coming back by beats.
local function is_coming_back(place)
  local room = redis.call('HMGET', keys.room, 'restored_until_ms', 'floor', 'next', 'moved', 'restored_next')
  local number = tonumber(place)
  return room[1] and number and number >= tonumber(room[2] or 0) and number < tonumber(room[3])
    and number <= tonumber(room[4] or math.huge)
    -- Who was absent at the loss, or had not claimed, comes back by a claim.
    and (number < tonumber(room[5]) or redis.call('GETBIT', keys.departed, place) == 0) and outcome_of(place) == 0
    and not redis.call('ZRANGEBYSCORE', keys.waiting, place, place, 'LIMIT', 0, 1)[1]
end

local function leave(visitor, place, own_number)
  local stands = redis.call('ZSCORE', keys.waiting, visitor)
  local absent = not stands and redis.call('ZSCORE', keys.absent, visitor)
  local here = stands or absent
  if here and (place == '' or place == here) then
    redis.call('ZREM', stands and keys.waiting or keys.absent, visitor)
    if stands then mark_departed({ tonumber(here) }, 1) end
    redis.call('SREM', keys.missed, visitor)
    set_all(keys.promised, 'u32', { tonumber(here) }, 0)
    set_outcome(here, OUTCOME.LEFT)
    return 1
  end
  local number = not here and number_in_lobby(visitor)
  if number and place == '' then return -tonumber(number) end
  if number == own_number then
    redis.call('ZREM', keys.lobby, visitor)
    redis.call('ZREM', keys.lobby_absent, visitor)
    mark_departed({ tonumber(place) }, 1)
    set_all(keys.promised, 'u32', { tonumber(place) }, 0)
    set_outcome(place, OUTCOME.LEFT)
    return 1
  end
  local admission = read_admission(visitor)
  if admission and (place == '' or place == admission.place or admission.place == '-') then
    end_admission(visitor, admission, OUTCOME.LEFT)
    return 1
  end
  if not admission and end_lost_admission(place, OUTCOME.LEFT) then return 1 end
  if not here and is_coming_back(place) then
    mark_departed({ tonumber(place) }, 1)
    set_outcome(place, OUTCOME.LEFT)
    return 1
  end
  return 0
end

if redis.call('EXISTS', keys.room) == 0 then return NO_ROOM end
if not knows_places() then return DRAWN end
local answer = {}
for index = 2, #ARGV, 4 do
  local life = ARGV[index]
  local is_ours = life == '' or same_life(keys.room, life)
  local left = is_ours and leave(ARGV[index + 1], ARGV[index + 2], ARGV[index + 3]) or 0
  if left == 1 and ARGV[1] ~= '' then
    note_end_since_loss(ARGV[index + 1])
    log_change(ARGV[1], 'evicted', nil, ARGV[index + 1])
  end
  answer[#answer + 1] = left
end
return answer
