--[[
  Takes visitors out of the line, or out of the active set: the place or the slot is free again.
    KEYS[1] room     hash  life                          KEYS[5] ended      zset    jti -> token's end
    KEYS[2] waiting  zset  visitor -> place              KEYS[6] departed   bitmap  by place
    KEYS[3] active   zset  visitor -> claim or end by    KEYS[7] versions   hash    chunk -> version
    KEYS[4] admissions  hash  visitor -> admission       KEYS[8] outcomes   string  2 bits by number
    ARGV  life, visitor, number, … ; life '' and number '' mean whatever the visitor has (an operator evicts)
  Returns one value a visitor: 1 when it left now, 0 when there was nothing to leave.
]]
local keys = { active = KEYS[3], admissions = KEYS[4], ended = KEYS[5], outcomes = KEYS[8] }
local answer = {}
for index = 1, #ARGV, 3 do
  local life, visitor, number = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  local left = 0
  if life == '' or same_life(KEYS[1], life) then
    local place = redis.call('ZSCORE', KEYS[2], visitor)
    local admission = read_admission(keys.admissions, visitor)
    if place and (number == '' or number == place) then
      redis.call('ZREM', KEYS[2], visitor)
      mark_departed(KEYS[6], KEYS[7], place)
      set_outcome(keys.outcomes, place, OUTCOME.LEFT)
      left = 1
    elseif admission and (number == '' or number == admission.number) then
      end_admission(keys, visitor, admission, OUTCOME.LEFT)
      left = 1
    end
  end
  answer[#answer + 1] = left
end
return answer
