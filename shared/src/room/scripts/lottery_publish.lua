--[[
  Lets everybody see the hash of the closed list, once it is complete; nothing is added to the list from then on (list_again).
    keys: room joins
    ARGV[1] the hash   ARGV[2] how many joins are in it
  Returns 1 when it is shown, 0 when joins are missing in it or there is no closed list.
]]
local room = redis.call('HMGET', keys.room, 'lottery_size', 'lottery_list')
if not room[1] or redis.call('LLEN', keys.joins) ~= tonumber(ARGV[2]) then return 0 end
if room[2] then return room[2] == ARGV[1] and 1 or 0 end
redis.call('HSET', keys.room, 'lottery_list', ARGV[1])
return 1
