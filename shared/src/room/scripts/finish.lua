--[[
  Ends one admission because its visitor has what it came for; the slot is free at once.
  Names the jti, so that a late call cannot end a later admission.
    keys: room ended
    ARGV[1] visitor   ARGV[2] jti   ARGV[3] the token's end, ms
  Returns 1 when a slot became free, else 0; the token is refused from now on in both cases.
]]
redis.call('ZADD', keys.ended, 'GT', ARGV[3], ARGV[2])
if redis.call('EXISTS', keys.room) == 0 then
  -- Nobody promotes, and so sweeps, where there is no room: what is kept goes with the last token, leeway included.
  local last = redis.call('ZRANGE', keys.ended, -1, -1, 'WITHSCORES')[2]
  redis.call('PEXPIREAT', keys.ended, whole(last + 6000))
  return 0
end
local admission = read_admission(ARGV[1])
if not admission or admission.jti ~= ARGV[2] then return 0 end
end_admission(ARGV[1], admission, OUTCOME.FINISHED)
return 1
