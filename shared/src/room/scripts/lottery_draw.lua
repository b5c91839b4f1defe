--[[
  The draw: writes the seed, once, and opens the room. Who waits stands in the lobby from now on, from where lottery_move.lua takes
  them to their places, front first. Takes as long for a million as for ten.
    keys: room waiting absent promised outcomes departed departed_versions outcome_versions joins lobby lobby_absent lobby_promised lobby_outcomes
    ARGV[1] the seed   ARGV[2] the hash of the list that is in it   ARGV[3] who draws
  Returns 1 when the places are drawn, 0 when that list was not published.
]]
local room = redis.call('HMGET', keys.room, 'state', 'lottery_list', 'lottery_seed', 'next')
if room[3] then return 1 end
if room[1] ~= 'scheduled' or room[2] ~= ARGV[2] then return 0 end
for from, to in pairs({ [keys.waiting] = keys.lobby, [keys.absent] = keys.lobby_absent,
  [keys.promised] = keys.lobby_promised, [keys.outcomes] = keys.lobby_outcomes }) do
  if redis.call('EXISTS', from) == 1 then redis.call('RENAME', from, to) end
end
-- By number until now, by place from now on: who has copied a chunk must fetch it again.
redis.call('UNLINK', keys.departed)
for _, versions in ipairs({ keys.departed_versions, keys.outcome_versions }) do
  for _, chunk in ipairs(redis.call('HKEYS', versions)) do redis.call('HINCRBY', versions, chunk, 1) end
end
redis.call('HSET', keys.room, 'lottery_seed', ARGV[1], 'state', 'open', 'moved', 0, 'move_to', whole(tonumber(room[4]) - 1))
redis.call('HINCRBY', keys.room, 'version', 1)
log_change(ARGV[3], 'state', 'scheduled', 'open')
return 1
