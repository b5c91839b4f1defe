--[[
  Removes a room with everything in it. What is left is a mark that keeps it from being made again within a second:
  tokens carry whole seconds, and check_admission tells admissions of this life from those of the next by them.
    KEYS[1] removed  string  there for a second
    KEYS[2..]        all other keys of the room, the room itself first
  Returns 1 when there was a room, else 0.
]]
local was_there = redis.call('EXISTS', KEYS[2])
-- UNLINK frees a line of a million in the background.
redis.call('UNLINK', KEYS[2], unpack(KEYS, 3))
if was_there == 1 then redis.call('SET', KEYS[1], '1', 'PX', 1000) end
return was_there
