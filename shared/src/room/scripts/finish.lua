--[[
  Ends one admission because its visitor has what it came for; the slot is free at once.
  Names visitor, number and jti, so that a late call cannot end a later admission.
    KEYS[1] room        hash  life                         KEYS[4] ended     zset    jti -> token's end
    KEYS[2] active      zset  visitor -> claim or end by   KEYS[5] outcomes  string  2 bits by number
    KEYS[3] admissions  hash  visitor -> admission
    ARGV[1] visitor   ARGV[2] number   ARGV[3] jti   ARGV[4] the token's end, ms
  Returns 1 when a slot became free, else 0; the token is refused from now on in both cases.
]]
local keys = { active = KEYS[2], admissions = KEYS[3], ended = KEYS[4], outcomes = KEYS[5] }
redis.call('ZADD', keys.ended, 'GT', ARGV[4], ARGV[3])
if redis.call('EXISTS', KEYS[1]) == 0 then
  -- Nobody promotes, and so sweeps, where there is no room: what is kept goes with the last token, leeway included.
  local last = redis.call('ZRANGE', keys.ended, -1, -1, 'WITHSCORES')[2]
  redis.call('PEXPIREAT', keys.ended, string.format('%d', last + 6000))
  return 0
end
local admission = read_admission(keys.admissions, ARGV[1])
if not admission or admission.jti ~= ARGV[3] or admission.number ~= ARGV[2] then return 0 end
end_admission(keys, ARGV[1], admission, OUTCOME.FINISHED)
return 1
