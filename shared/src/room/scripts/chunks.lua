--[[
  Chunks of the departed bitmap or of the outcomes, each with the version it has.
    keys: departed departed_versions outcomes outcome_versions
    ARGV[1] 'departed' or 'outcomes'   ARGV[2..] chunks, at most a few dozen: each is 8 kB or 32 kB
  Returns version, bytes, … in the order of the arguments.
]]
local data, versions, bits = keys.departed, keys.departed_versions, 1
if ARGV[1] == 'outcomes' then data, versions, bits = keys.outcomes, keys.outcome_versions, 4 end
local bytes = CHUNK * bits / 8
local answer = {}
for index = 2, #ARGV do
  local chunk = tonumber(ARGV[index])
  answer[#answer + 1] = tonumber(redis.call('HGET', versions, ARGV[index]) or 0)
  answer[#answer + 1] = redis.call('GETRANGE', data, chunk * bytes, (chunk + 1) * bytes - 1)
end
return answer
