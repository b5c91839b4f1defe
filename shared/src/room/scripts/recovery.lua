--[[
  Whether the time is over in which those who waited at a loss may come back by their beats. While people are on their way
  from the lobby of a lottery to their places, nobody can say who is missing there.
    keys: room
  Returns {1 when it is, else 0; the first place that waited; the next number at the loss}; zeros when nothing was lost.
]]
local fields = redis.call('HMGET', keys.room, 'restored_until_ms', 'restored_first', 'restored_next', 'moved')
if not fields[1] or fields[4] or read_presence().clock_ms <= tonumber(fields[1]) then return { 0, 0, 0 } end
return { 1, tonumber(fields[2]), tonumber(fields[3]) }
