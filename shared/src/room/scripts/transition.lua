--[[
  Moves a room to another state, if it is in one from which that is allowed.
    keys: room
    ARGV[1]       the new state
    ARGV[2]       who changes it
    ARGV[3..]     the states from which it may be reached
  Returns the state before ('' when there is no such room), and 1 when it moved or was there already, 2 when it is
  drawn first, else 0.
]]
local state = redis.call('HGET', keys.room, 'state')
if not state then return { '', 0 } end
if state == ARGV[1] then return { state, 1 } end
for index = 3, #ARGV do
  if state == ARGV[index] then
    -- A room with a lottery is opened by its draw, which takes place when it is time.
    local lottery = redis.call('HMGET', keys.room, 'lottery_commitment', 'lottery_seed', 'opens_at_ms')
    if ARGV[1] == 'open' and lottery[1] and not lottery[2] then
      local now = now_ms()
      if state == 'scheduled' and tonumber(lottery[3] or now) < now then return { state, 2 } end
      redis.call('HSET', keys.room, 'state', 'scheduled', 'opens_at_ms', whole(now))
      redis.call('HINCRBY', keys.room, 'version', 1)
      if state ~= 'scheduled' then log_change(ARGV[2], 'state', state, 'scheduled') end
      log_change(ARGV[2], 'opens_at_ms', lottery[3], whole(now))
      return { state, 2 }
    end
    redis.call('HSET', keys.room, 'state', ARGV[1])
    redis.call('HINCRBY', keys.room, 'version', 1)
    log_change(ARGV[2], 'state', state, ARGV[1])
    return { state, 1 }
  end
end
return { state, 0 }
