--[[
  Writes back a room that Redis has lost, once, from what a process remembers. Who was waiting comes back by their beats to
  their old places; who had left, finished or lapsed does not. Numbers go on behind a gap.
    keys: room bids departed departed_versions outcomes outcome_versions ended shop
    ARGV[1] the first place that is remembered   ARGV[2] the lowest place that waited
    ARGV[3] 1 when a shop stood behind the room, else 0   ARGV[4] for how long a shop is remembered that does not beat, ms
    ARGV[5] how long a waiting token lives, ms
    ARGV[6] how many settings follow   ARGV[7..] field, value, …, then 'departed' or 'outcomes', chunk, version, bytes, …
  Returns 1 when it was written, 0 when the room was there.
]]
if redis.call('EXISTS', keys.room) == 1 then return 0 end
local now = now_ms()
local at = 7
for _ = 1, tonumber(ARGV[6]) do
  redis.call('HSET', keys.room, ARGV[at], ARGV[at + 1])
  at = at + 2
end
while at + 3 <= #ARGV do
  local data, versions, bits = keys.departed, keys.departed_versions, 1
  if ARGV[at] == 'outcomes' then data, versions, bits = keys.outcomes, keys.outcome_versions, 4 end
  if #ARGV[at + 3] > 0 then redis.call('SETRANGE', data, tonumber(ARGV[at + 1]) * CHUNK * bits / 8, ARGV[at + 3]) end
  redis.call('HSET', versions, ARGV[at + 1], tonumber(ARGV[at + 2]) + CHUNK)
  at = at + 4
end
local settings = redis.call('HMGET', keys.room, 'next', 'clock_ms', 'floor', 'claimed', 'lost_active', 'lost_active_until_ms',
  'claimed_until_ms', 'losses', 'losses_over')
local clock = tonumber(settings[2] or CLOCK_BEGINS_MS)
redis.call('HSET', keys.room, 'restored_at_ms', whole(now), 'clock_at_ms', whole(now), 'bucket', 0, 'bucket_at_ms', whole(now),
  'floor', math.max(tonumber(ARGV[1]), tonumber(settings[3] or 0)), 'restored_first', ARGV[2], 'restored_next', settings[1],
  -- Whoever has not come back when even the longest promise is over has gone.
  'restored_until_ms', whole(clock + 255 * PROMISE_UNIT_MS),
  'run', this_run())
-- Who was in the shop still is, also who was at an earlier loss and has not come back since, unless that is over. Who had not
-- claimed yet stands in line again.
local losses = tonumber(settings[8] or 0)
local are_earlier_over = now >= tonumber(settings[6] or 0)
local losses_over = are_earlier_over and losses or tonumber(settings[9] or 0)
local earlier = are_earlier_over and 0 or tonumber(settings[5] or 0)
redis.call('HSET', keys.room, 'losses', whole(losses + 1), 'losses_over', whole(math.max(losses_over, losses + 2 - CLAIMED_VALUES)),
  'lost_active', whole(math.max(0, tonumber(settings[4] or 0)) + earlier), 'lost_active_until_ms', settings[7] or whole(now),
  'lost_places_until_ms', whole(now + tonumber(ARGV[5])), 'claimed', 0)
-- The lobby of a lottery is lost; who stood there comes back to the place drawn like everybody else.
redis.call('HDEL', keys.room, 'moved', 'move_to')
-- The list of a draw that is still to come is lost, too: who comes back is listed anew, and the proof says so.
local lottery = redis.call('HMGET', keys.room, 'lottery_commitment', 'lottery_seed')
if lottery[1] and not lottery[2] then
  redis.call('HSET', keys.room, 'lottery_list_was_lost', 1)
  redis.call('HDEL', keys.room, 'lottery_list')
end
-- Until the shop says that it is well, nobody is sent there; one that died meanwhile never does.
if ARGV[3] == '1' and redis.call('EXISTS', keys.shop) == 0 then
  redis.call('HSET', keys.shop, 'healthy_at_ms', 0)
  redis.call('PEXPIRE', keys.shop, ARGV[4])
end
-- What ended meanwhile stays refused; finish.lua gave it an end, which later entries must not share.
redis.call('PERSIST', keys.ended)
redis.call('HINCRBY', keys.room, 'version', 1)
jump(tonumber(settings[1]))
-- Who changed what before is lost.
log_change('loss of redis', 'restored')
redis.call('UNLINK', keys.bids)
return 1
