--[[
  Whether an admission whose token is good has ended early. What Redis does not know never refuses: a good token
  that the active set has forgotten puts its owner back in.
    KEYS[1] room    hash  life                           KEYS[3] admissions  hash  visitor -> admission
    KEYS[2] active  zset  visitor -> claim or end by     KEYS[4] ended       zset  jti -> token's end
    KEYS[5] waiting zset  visitor -> place: whoever has joined again since is not put back, or would stand in two places
    ARGV[1] visitor   ARGV[2] number   ARGV[3] jti   ARGV[4] let in, ms   ARGV[5] the token's end, ms
  Returns 'ended' or 'live'.
]]
if redis.call('ZSCORE', KEYS[4], ARGV[3]) then return 'ended' end
local is_forgotten = redis.call('HEXISTS', KEYS[3], ARGV[1]) == 0 and not redis.call('ZSCORE', KEYS[5], ARGV[1])
if is_forgotten and redis.call('EXISTS', KEYS[1]) == 1 and tonumber(ARGV[5]) > now_ms() then
  write_admission(KEYS[3], KEYS[2], ARGV[1], { number = ARGV[2], since = ARGV[4], jti = ARGV[3], till = ARGV[5] })
end
return 'live'
