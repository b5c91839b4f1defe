--[[
  Of all admitters that look after a room, one shows its gauges: they would be counted several times otherwise. It asks
  again while it shows them; another takes its place once it has not.
    keys: room reporter
    ARGV[1] the process   ARGV[2] for how long it would show them, ms
  Returns 1 when the caller is the one, else 0.
]]
if redis.call('EXISTS', keys.room) == 0 then return 0 end
local reporter = redis.call('GET', keys.reporter)
if reporter and reporter ~= ARGV[1] then return 0 end
redis.call('SET', keys.reporter, ARGV[1], 'PX', ARGV[2])
return 1
