--[[
  How far the lottery of a room is. The secret is in it: for admitters alone.
    keys: room lottery joins
  Returns false when the room is none with a lottery, else {state, when it opens (ms) or '', now (ms), life, commitment, source or '',
  value or '', size or '', seed or '', moved or '', to be moved or '', secret or '', hashed joins, their chain or '', joins, 1 when the list was lost
  once, else 0}.
]]
local room = redis.call('HMGET', keys.room, 'state', 'opens_at_ms', 'life', 'lottery_commitment', 'lottery_source',
  'lottery_value', 'lottery_size', 'lottery_seed', 'moved', 'move_to', 'lottery_list_was_lost')
if not room[4] then return false end
local own = redis.call('HMGET', keys.lottery, 'secret', 'hashed', 'chain')
return { room[1], room[2] or '', now_ms(), room[3], room[4], room[5] or '', room[6] or '', room[7] or '', room[8] or '',
  room[9] or '', room[10] or '', own[1] or '', tonumber(own[2] or 0), own[3] or '', redis.call('LLEN', keys.joins),
  room[11] and 1 or 0 }
