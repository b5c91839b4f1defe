--[[
  Tells visitors whose turn seems to have come what has become of them; an admission is claimed by it.
  Claiming again gives the same admission.
    KEYS[1] room     hash  life, admission_ttl_ms       KEYS[4] admissions  hash    visitor -> admission
    KEYS[2] waiting  zset  visitor -> place             KEYS[5] outcomes    string  2 bits by number
    KEYS[3] active   zset  visitor -> claim or end by   KEYS[6] ended       zset    jti -> token's end
    ARGV[1] default of the admission's time, ms         ARGV[2..] life, visitor, number, fresh jti, …
  Returns four values a visitor: a word, and for 'admitted' jti, when let in (ms), until when (ms), else '', 0, 0.
  Words: admitted, waiting, left, finished, lapsed, void (the room has another life, or none).
]]
local keys = { active = KEYS[3], admissions = KEYS[4], outcomes = KEYS[5], ended = KEYS[6] }
local words = { [OUTCOME.LEFT] = 'left', [OUTCOME.FINISHED] = 'finished', [OUTCOME.LAPSED] = 'lapsed', [0] = 'lapsed' }
local settings = redis.call('HMGET', KEYS[1], 'life', 'admission_ttl_ms')
local life, ttl = settings[1], tonumber(settings[2] or ARGV[1])
local now = now_ms()
local answer = {}

local function tell(word, jti, since, till)
  local at = #answer
  answer[at + 1], answer[at + 2] = word, jti or ''
  answer[at + 3], answer[at + 4] = tonumber(since or 0), tonumber(till or 0)
end

for index = 2, #ARGV, 4 do
  local visitor, number = ARGV[index + 1], ARGV[index + 2]
  local admission = read_admission(keys.admissions, visitor)
  if ARGV[index] ~= life then
    tell('void')
  elseif admission and admission.number == number then
    if tonumber(admission.till) <= now then
      end_admission(keys, visitor, admission, OUTCOME.LAPSED)
      tell('lapsed')
    else
      if admission.jti == '-' then
        admission.jti = ARGV[index + 3]
        admission.till = string.format('%d', now + ttl)
        write_admission(keys.admissions, keys.active, visitor, admission)
      end
      tell('admitted', admission.jti, admission.since, admission.till)
    end
  elseif redis.call('ZSCORE', KEYS[2], visitor) == number then
    tell('waiting')
  else
    tell(words[outcome_of(keys.outcomes, number)])
  end
end
return answer
