--[[
  Closes the list of joins when it is time to open: who joins from now on stands behind everybody who is drawn. After a loss of
  Redis that has time until those who waited have come back by the beats that the gatekeepers kept.
    keys: room
  Returns 1 when it is closed, 0 when it is too early or there is no lottery.
]]
local RETURNED_WITHIN_MS = 10000
local room = redis.call('HMGET', keys.room, 'state', 'opens_at_ms', 'lottery_commitment', 'lottery_size', 'next', 'restored_at_ms', 'run')
if room[6] and now_ms() < tonumber(room[6]) + RETURNED_WITHIN_MS then return 0 end
if room[3] and room[4] then return 1 end
if not room[3] or room[1] ~= 'scheduled' or now_ms() < tonumber(room[2] or 0) then return 0 end
-- Numbers that another run of Redis has forgotten take part, too.
redis.call('HSET', keys.room, 'lottery_size', whole(next_of_this_run(tonumber(room[5]), room[7]) - 1))
redis.call('HINCRBY', keys.room, 'version', 1)
return 1
