--[[
  The state of a room that a gatekeeper answers polls from: settings, where the line begins and ends, who has gone near its front.
    KEYS[1] room     hash                                KEYS[4] departed  bitmap  by place
    KEYS[2] waiting  zset  visitor -> place              KEYS[5] versions  hash    chunk -> version
    KEYS[3] active   zset  visitor -> claim or end by
    ARGV[1] how many places behind the head are near
  Returns false when there is no such room, else {settings as field, value, …; lowest place in waiting or ''; waiting; active;
  first near chunk; the near chunks, each as bytes; chunk, version, … of all; now in ms}.
]]
local settings = redis.call('HGETALL', KEYS[1])
if #settings == 0 then return false end
local next_number = 1
for index = 1, #settings, 2 do
  if settings[index] == 'next' then next_number = tonumber(settings[index + 1]) end
end
local lowest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
local head = tonumber(lowest or next_number)
local last = math.min(head + tonumber(ARGV[1]), next_number - 1)
local first_chunk = math.floor(head / CHUNK)
local near = {}
for chunk = first_chunk, math.floor(math.max(last, head) / CHUNK) do
  near[#near + 1] = redis.call('GETRANGE', KEYS[4], chunk * CHUNK / 8, (chunk + 1) * CHUNK / 8 - 1)
end
return { settings, lowest or '', redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', KEYS[3]),
  first_chunk, near, redis.call('HGETALL', KEYS[5]), now_ms() }
