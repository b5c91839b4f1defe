--[[
  Chunks of the departed bitmap, each with the version it has.
    KEYS[1] departed  bitmap  by place     KEYS[2] versions  hash  chunk -> version
    ARGV[1..]  chunks, at most a few dozen: each is 8 kB
  Returns version, bytes, … in the order of the arguments.
]]
local answer = {}
for index = 1, #ARGV do
  local chunk = tonumber(ARGV[index])
  answer[#answer + 1] = tonumber(redis.call('HGET', KEYS[2], ARGV[index]) or 0)
  answer[#answer + 1] = redis.call('GETRANGE', KEYS[1], chunk * CHUNK / 8, (chunk + 1) * CHUNK / 8 - 1)
end
return answer
