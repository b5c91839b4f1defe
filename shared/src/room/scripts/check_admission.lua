--[[
  Whether an admission whose token is good has ended early. What Redis does not know never refuses: a good token
  that the active set has forgotten puts its owner back in. One from before the room was removed has ended with it; one
  from before it was lost and made again stands, outside of the active set, because its number is another visitor's now.
    KEYS[1] room    hash  life                           KEYS[3] admissions  hash  visitor -> admission
    KEYS[2] active  zset  visitor -> claim or end by     KEYS[4] ended       zset  jti -> token's end
    KEYS[5] waiting zset  visitor -> place: whoever has joined again since is not put back, or would stand in two places
    KEYS[6] removed string  when a room of this name was removed, ms
    ARGV[1] visitor   ARGV[2] number   ARGV[3] jti   ARGV[4] let in, ms   ARGV[5] the token's end, ms
  Returns 'ended' or 'live'; 'live' where there is no room, which may be lost rather than removed.
]]
if redis.call('ZSCORE', KEYS[4], ARGV[3]) then return 'ended' end
local admission = read_admission(KEYS[3], ARGV[1])
if admission and admission.jti == ARGV[3] then return 'live' end
-- Both are times of Redis, the token's cut to seconds. The next life begins a second later at least (create.lua), so
-- what was let in then is later even when it is cut.
local removed = redis.call('GET', KEYS[6])
if removed and tonumber(ARGV[4]) <= tonumber(removed) then return 'ended' end
local life = redis.call('HGET', KEYS[1], 'life')
if not life then return 'live' end
local is_of_this_life = tonumber(ARGV[4]) >= math.floor(tonumber(life) / 1000000) * 1000
local is_forgotten = not admission and not redis.call('ZSCORE', KEYS[5], ARGV[1])
if is_of_this_life and is_forgotten and tonumber(ARGV[5]) > now_ms() then
  write_admission(KEYS[3], KEYS[2], ARGV[1], { number = ARGV[2], since = ARGV[4], jti = ARGV[3], till = ARGV[5] })
end
return 'live'
