--[[
  Tells what has become of visitors whose turn seems to have come, without claiming and without changing anything.
    keys: room waiting absent
    ARGV[1..] life, visitor, place, …, at most a few hundred visitors
  Returns a word a visitor, those of claim.lua but for one: unknown (absent or forgotten; a claim says more).
]]
local life = redis.call('HGET', keys.room, 'life')
if not life then return NO_ROOM end
if not knows_places() then return DRAWN end
local now = now_ms()

local function word_for(visitor, place)
  local admission = read_admission(visitor)
  if admission and (admission.place == place or admission.place == '-') then
    return (admission.jti == '-' or tonumber(admission.till) > now) and 'admitted' or 'unknown'
  end
  if redis.call('ZSCORE', keys.waiting, visitor) == place then return 'waiting' end
  if redis.call('ZSCORE', keys.absent, visitor) == place then return 'unknown' end
  if number_in_lobby(visitor) then return 'waiting' end
  local outcome = outcome_of(place)
  -- Claimed once; Redis has lost the admission, which a claim gives again while it is not over.
  if not admission and is_claimed(outcome) then return 'admitted' end
  return OUTCOME_WORDS[outcome] or 'unknown'
end

local answer = {}
for index = 1, #ARGV, 3 do
  local is_known = ARGV[index] == life
  answer[#answer + 1] = is_known and word_for(ARGV[index + 1], ARGV[index + 2]) or 'void'
end
return answer
