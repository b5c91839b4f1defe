--[[
  Closes the list of joins when it is time to open: who joins from now on stands behind everybody who is drawn.
    keys: room
  Returns 1 when it is closed, 0 when it is too early or there is no lottery.
]]
local room = redis.call('HMGET', keys.room, 'state', 'opens_at_ms', 'lottery_commitment', 'lottery_size', 'next')
if room[3] and room[4] then return 1 end
if not room[3] or room[1] ~= 'scheduled' or now_ms() < tonumber(room[2] or 0) then return 0 end
redis.call('HSET', keys.room, 'lottery_size', whole(tonumber(room[5]) - 1))
redis.call('HINCRBY', keys.room, 'version', 1)
return 1
