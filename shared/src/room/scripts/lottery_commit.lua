--[[
  Makes the opening of a scheduled room a lottery: from now on each join is listed. Who has joined before takes part, too.
    keys: room waiting absent lottery joins
    ARGV[1] the commitment   ARGV[2] the secret   ARGV[3] where the public value will come from, or ''
    ARGV[4] the public value, or ''   ARGV[5] most visitors who may have joined before   ARGV[6] who commits
  Returns 1 when it is one now, 0 when it was one already, -1 when there is no such room, -2 when it is not scheduled,
  -3 when too many have joined.
]]
local settings = redis.call('HMGET', keys.room, 'state', 'lottery_commitment')
if not settings[1] then return -1 end
if settings[2] then return 0 end
if settings[1] ~= 'scheduled' then return -2 end
local joined = {}
for _, key in ipairs({ keys.waiting, keys.absent }) do
  if redis.call('ZCARD', key) + #joined > tonumber(ARGV[5]) then return -3 end
  local found = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for index = 1, #found, 2 do joined[#joined + 1] = { tonumber(found[index + 1]), found[index] } end
end
table.sort(joined, function(one, other) return one[1] < other[1] end)
for _, join in ipairs(joined) do redis.call('RPUSH', keys.joins, whole(join[1]) .. ' ' .. join[2]) end
redis.call('HSET', keys.lottery, 'secret', ARGV[2])
redis.call('HSET', keys.room, 'lottery_commitment', ARGV[1])
if ARGV[3] ~= '' then redis.call('HSET', keys.room, 'lottery_source', ARGV[3]) end
if ARGV[4] ~= '' then redis.call('HSET', keys.room, 'lottery_value', ARGV[4]) end
redis.call('HINCRBY', keys.room, 'version', 1)
log_change(ARGV[6], 'lottery', nil, ARGV[1])
return 1
