--[[
  What a process must remember of a room, so that a Redis that forgot it can be told again: all of one moment, since what had
  become of somebody is worth nothing without the settings by which it is judged.
    keys: room waiting absent departed departed_versions outcomes outcome_versions removed shop
    ARGV[1] how many chunks of the bitmap follow   ARGV[2..] these, and behind them chunks of the outcomes: each of the one is
    8 kB, of the other 32 kB
  Returns {1, settings as field, value, …, lowest place that may still be wanted, chunk, version, … of all the bitmap, the same of
  the outcomes, version, bytes, … of the chunks of the bitmap that were asked for, the same of the outcomes, now in ms, 1 when there
  is a shop behind the room}, or {0, when a room of this name was removed, ms, else 0} when there is no such room.
]]
local settings = redis.call('HGETALL', keys.room)
if #settings == 0 then return { 0, tonumber(redis.call('GET', keys.removed) or 0) } end
local lowest
for _, key in ipairs({ keys.waiting, keys.absent }) do
  local place = tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
  if place and (not lowest or place < lowest) then lowest = place end
end
local room = redis.call('HMGET', keys.room, 'next', 'moved')
-- Behind the last who was taken out of the lobby of a lottery, everybody is wanted.
lowest = math.min(lowest or tonumber(room[1]), tonumber(room[2] or math.huge) + 1)
local departed, outcomes = {}, {}
for index = 2, #ARGV do
  local asked = index <= tonumber(ARGV[1]) + 1 and departed or outcomes
  asked[#asked + 1] = ARGV[index]
end
return { 1, settings, lowest, redis.call('HGETALL', keys.departed_versions), redis.call('HGETALL', keys.outcome_versions),
  read_chunks(keys.departed, keys.departed_versions, 1, departed), read_chunks(keys.outcomes, keys.outcome_versions, 4, outcomes),
  now_ms(), redis.call('EXISTS', keys.shop) }
