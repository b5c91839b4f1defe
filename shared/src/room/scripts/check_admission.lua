--[[
  Whether an admission whose token is good has ended early. What Redis does not know never refuses: a good token
  that the active set has forgotten puts its owner back in. One from before the room was removed has ended with it; one
  from before it was lost and made again stands, outside of the active set, because its number is another visitor's now.
  Nor does it stand for whom another place has let in since. What has become of its place says whether it ended also where
  Redis has lost the list of those that did.
    keys: room ended removed waiting absent outcomes
    ARGV[1] visitor   ARGV[2] place, or '-'   ARGV[3] jti   ARGV[4] let in, ms   ARGV[5] the token's end, ms
  Returns 'ended' or 'live'; 'live' where there is no room, which may be lost rather than removed.
]]
local visitor = ARGV[1]
if redis.call('ZSCORE', keys.ended, ARGV[3]) then return 'ended' end
local admission = read_admission(visitor)
if admission and admission.jti == ARGV[3] then return 'live' end
-- Both are times of Redis, the token's cut to seconds. The next life begins a second later at least (create.lua), so
-- what was let in then is later even when it is cut.
local removed = redis.call('GET', keys.removed)
if removed and tonumber(ARGV[4]) <= tonumber(removed) then return 'ended' end
local room = redis.call('HMGET', keys.room, 'life', 'restored_at_ms')
local life, restored_at = room[1], tonumber(room[2])
if not life then return 'live' end
local is_of_this_life = tonumber(ARGV[4]) >= math.floor(tonumber(life) / 1000000) * 1000
if not is_of_this_life then return 'live' end
if not knows_places() then return DRAWN end
local outcome = tonumber(ARGV[2]) and outcome_of(ARGV[2]) or 0
local was_lost = restored_at and tonumber(ARGV[4]) <= restored_at
local is_in_elsewhere = admission and admission.jti ~= '-' and admission.place ~= '-' and admission.place ~= ARGV[2]
-- A place lapses under an admission that is not over only where Redis has forgotten the claim, or the last stretch: it stands,
-- unless another place has let its visitor in. And a place that was given up ends what is from before a loss alone.
local may_stand = outcome == OUTCOME.LAPSED or outcome == OUTCOME.GIVEN_UP and not was_lost
local stands = may_stand and not is_in_elsewhere and tonumber(ARGV[5]) > now_ms()
if OUTCOME_WORDS[outcome] and not stands then return 'ended' end
-- By another place they are in, or have been, since the loss.
if was_lost and (is_in_elsewhere or has_ended_since_loss(visitor)) then
  end_lost_admission(ARGV[2], OUTCOME.GIVEN_UP)
  return 'ended'
end
-- Whoever has joined again since is not put back, or would stand in two places.
local is_forgotten = not admission and not redis.call('ZSCORE', keys.waiting, visitor)
  and not redis.call('ZSCORE', keys.absent, visitor) and not number_in_lobby(visitor)
if is_forgotten and tonumber(ARGV[5]) > now_ms() then
  -- Only who was known to have claimed is counted among those who were lost.
  if is_claimed(outcome) then has_shown_up() end
  count_claimed(1)
  note_claimed(ARGV[2])
  write_admission(visitor, { place = ARGV[2], since = ARGV[4], jti = ARGV[3], till = ARGV[5] })
end
return 'live'
