--[[
  Changes settings of a room and raises its version, so that every process takes notice.
    KEYS[1] room  hash
    ARGV[1]       'always', or 'unset' to leave alone what has a value
    ARGV[2..]     field, value, … ; the value '' removes the field
  Returns -1 when there is no such room, else how many fields were changed.
]]
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local changed = 0
for index = 2, #ARGV, 2 do
  local field, value = ARGV[index], ARGV[index + 1]
  local before = redis.call('HGET', KEYS[1], field)
  if before ~= value and not (ARGV[1] == 'unset' and before) then
    if value == '' then
      changed = changed + redis.call('HDEL', KEYS[1], field)
    else
      redis.call('HSET', KEYS[1], field, value)
      changed = changed + 1
    end
  end
end
if changed > 0 then redis.call('HINCRBY', KEYS[1], 'version', 1) end
return changed
