--[[
  Says the public value of which only the source was named. Not before the list is closed: whoever knows the secret and the
  value could otherwise try who joins last until the draw suits them.
    keys: room
    ARGV[1] the value   ARGV[2] who says it
  Returns 1 when it is set, 0 when it had another one, -1 when there is no such lottery, -2 when the list is still open.
]]
local room = redis.call('HMGET', keys.room, 'lottery_commitment', 'lottery_value', 'lottery_size')
if not room[1] then return -1 end
if room[2] then return room[2] == ARGV[1] and 1 or 0 end
if not room[3] then return -2 end
redis.call('HSET', keys.room, 'lottery_value', ARGV[1])
redis.call('HINCRBY', keys.room, 'version', 1)
log_change(ARGV[2], 'lottery_value', nil, ARGV[1])
return 1
