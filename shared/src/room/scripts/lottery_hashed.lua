--[[
  Takes down how far the list of joins is hashed. Two who hash at once come to the same; the second is told nothing new.
    keys: lottery joins
    ARGV[1] from how many joins on   ARGV[2] up to how many   ARGV[3] the chain there
  Returns 1 when it was taken down, 0 when somebody else has hashed meanwhile, or Redis has lost the list.
]]
if redis.call('LLEN', keys.joins) < tonumber(ARGV[2]) then return 0 end
if tonumber(redis.call('HGET', keys.lottery, 'hashed') or 0) ~= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', keys.lottery, 'hashed', ARGV[2], 'chain', ARGV[3])
return 1
