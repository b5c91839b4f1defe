--[[
  Changes settings of a room and raises its version, so that every process takes notice.
    keys: room
    ARGV[1]       'always', or 'unset' to leave alone what has a value
    ARGV[2]       who changes it
    ARGV[3..]     field, value, … ; the value '' removes the field
  Returns -1 when there is no such room, else how many fields were changed.
]]
if redis.call('EXISTS', keys.room) == 0 then return -1 end
local changed = 0
for index = 3, #ARGV, 2 do
  local field, value = ARGV[index], ARGV[index + 1]
  local before = redis.call('HGET', keys.room, field)
  if (before or '') ~= value and not (ARGV[1] == 'unset' and before) then
    if value == '' then
      redis.call('HDEL', keys.room, field)
    else
      redis.call('HSET', keys.room, field, value)
    end
    log_change(ARGV[2], field, before, value)
    changed = changed + 1
  end
end
if changed > 0 then redis.call('HINCRBY', keys.room, 'version', 1) end
return changed
