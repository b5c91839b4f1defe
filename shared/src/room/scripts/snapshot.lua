--[[
  The state of a room that a gatekeeper answers polls from: settings, where the line begins and ends, who has gone near its front.
    keys: room waiting active absent departed departed_versions gatekeepers shop lobby lobby_absent
    ARGV[1] how many places behind the head are near
  Returns false when there is no such room, else {settings as field, value, …; lowest place in waiting or ''; lowest absent place
  or ''; waiting; active; absent; gatekeepers; the shop as field, value, …; first near chunk; the near chunks, each as bytes;
  chunk, version, … of all; now in ms}.
]]
local settings = redis.call('HGETALL', keys.room)
if #settings == 0 then return false end
local next_number, restored_first, moved, front, lost_active = 1, nil, nil, 0, 0
for index = 1, #settings, 2 do
  if settings[index] == 'next' then next_number = tonumber(settings[index + 1]) end
  if settings[index] == 'moved' then moved = tonumber(settings[index + 1]) end
  if settings[index] == 'restored_first' then restored_first = settings[index + 1] end
  if settings[index] == 'front' then front = tonumber(settings[index + 1]) end
  if settings[index] == 'lost_active' then lost_active = tonumber(settings[index + 1]) end
end
local function lowest(key) return redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or '' end
local now = now_ms()
local first = lowest(keys.waiting)
-- While those who waited come back after a loss, the line still begins where it began, or where promotion has come to since.
if restored_first then
  local begins = math.max(tonumber(restored_first), front + 1)
  if begins < (tonumber(first) or next_number) then first = whole(begins) end
end
-- The next ones of the lobby stand in front of those who are behind them already.
if moved and moved + 1 < (tonumber(first) or next_number) then first = whole(moved + 1) end
local head = tonumber(first) or next_number
local last = math.min(head + tonumber(ARGV[1]), next_number - 1)
local first_chunk = math.floor(head / CHUNK)
local near = {}
for chunk = first_chunk, math.floor(math.max(last, head) / CHUNK) do
  near[#near + 1] = redis.call('GETRANGE', keys.departed, chunk * CHUNK / 8, (chunk + 1) * CHUNK / 8 - 1)
end
local waiting = redis.call('ZCARD', keys.waiting) + redis.call('ZCARD', keys.lobby)
local absent = redis.call('ZCARD', keys.absent) + redis.call('ZCARD', keys.lobby_absent)
return { settings, first, lowest(keys.absent), waiting, redis.call('ZCARD', keys.active) + lost_active, absent,
  redis.call('ZCOUNT', keys.gatekeepers, now - GATEKEEPER_LIVES_MS, '+inf'), redis.call('HGETALL', keys.shop), first_chunk, near, redis.call('HGETALL', keys.departed_versions), now }
