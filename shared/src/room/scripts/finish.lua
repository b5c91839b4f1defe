--[[
  Ends one admission because its visitor has what it came for; the slot is free at once.
  Names visitor, number and jti, so that a late call cannot end a later admission.
    KEYS[1] active      zset  visitor -> claim or end by   KEYS[3] ended     zset    jti -> token's end
    KEYS[2] admissions  hash  visitor -> admission         KEYS[4] outcomes  string  2 bits by number
    ARGV[1] visitor   ARGV[2] number   ARGV[3] jti   ARGV[4] the token's end, ms
  Returns 1 when a slot became free, else 0; the token is refused from now on in both cases.
]]
local keys = { active = KEYS[1], admissions = KEYS[2], ended = KEYS[3], outcomes = KEYS[4] }
redis.call('ZADD', keys.ended, 'GT', ARGV[4], ARGV[3])
local admission = read_admission(keys.admissions, ARGV[1])
if not admission or admission.jti ~= ARGV[3] or admission.number ~= ARGV[2] then return 0 end
end_admission(keys, ARGV[1], admission, OUTCOME.FINISHED)
return 1
