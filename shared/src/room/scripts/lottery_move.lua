--[[
  Takes the next visitors from the lobby to the places that they have drawn, front first. Safe to repeat, and for several at once:
  whoever comes second moves nobody.
    keys: room waiting absent promised outcomes lobby lobby_absent lobby_promised lobby_outcomes
    ARGV[1] the first place   ARGV[2..] the numbers that have drawn it and the ones behind it, at most 1,000
  Returns {moved so far, to be moved in all}; zeros when all have been moved.
]]
local room = redis.call('HMGET', keys.room, 'moved', 'move_to')
if not room[1] then return { 0, 0 } end
local moved, move_to = tonumber(room[1]), tonumber(room[2])
if tonumber(ARGV[1]) ~= moved + 1 then return { moved, move_to } end
local presence = read_presence()
local places, numbers = {}, {}
for index = 2, math.min(#ARGV, move_to - moved + 1) do
  places[index - 1], numbers[index - 1] = moved + index - 1, tonumber(ARGV[index])
end

local function who(lobby, number)
  return redis.call('ZRANGEBYSCORE', lobby, number, number, 'LIMIT', 0, 1)[1]
end

local before = get_all(keys.lobby_promised, 'u32', numbers)
-- Beats that have come in since the draw are by place already (beat.lua).
local since = get_all(keys.promised, 'u32', places)
local line, from_lobby, absent, from_absent = {}, {}, {}, {}
local values, gone, over = {}, {}, { places = {}, numbers = {} }
for index, place in ipairs(places) do
  local visitor = who(keys.lobby, numbers[index])
  local missing = not visitor and who(keys.lobby_absent, numbers[index])
  local has_returned = missing and since[index] > 0 and is_present(since[index], presence.clock_ms)
  values[index] = before[index]
  if since[index] ~= 0 and (before[index] == 0 or is_newer(since[index], before[index])) then values[index] = since[index] end
  if visitor or has_returned then
    line[#line + 1], line[#line + 2] = place, visitor or missing
  elseif missing then
    absent[#absent + 1], absent[#absent + 2] = place, missing
    values[index] = before[index]
  else
    values[index] = 0
    over.places[#over.places + 1], over.numbers[#over.numbers + 1] = place, numbers[index]
  end
  if visitor then from_lobby[#from_lobby + 1] = visitor end
  if missing then from_absent[#from_absent + 1] = missing end
  if not visitor and not has_returned then gone[#gone + 1] = place end
end
if #line > 0 then redis.call('ZADD', keys.waiting, unpack(line)) end
if #absent > 0 then redis.call('ZADD', keys.absent, unpack(absent)) end
if #from_lobby > 0 then redis.call('ZREM', keys.lobby, unpack(from_lobby)) end
if #from_absent > 0 then redis.call('ZREM', keys.lobby_absent, unpack(from_absent)) end
set_all(keys.promised, 'u32', places, values)
mark_departed(gone, 1)
-- Who left since the draw has its outcome at its place already (leave.lua).
for index, outcome in ipairs(get_all(keys.lobby_outcomes, 'u4', over.numbers)) do
  if outcome ~= 0 then set_outcome(over.places[index], outcome) end
end

moved = moved + #places
if moved < move_to then
  redis.call('HSET', keys.room, 'moved', whole(moved))
  return { moved, move_to }
end
redis.call('HDEL', keys.room, 'moved', 'move_to')
redis.call('UNLINK', keys.lobby, keys.lobby_absent, keys.lobby_promised, keys.lobby_outcomes)
return { 0, 0 }
