--[[
  Chunks of the departed bitmap, each with the version it has.
    keys: room departed departed_versions
    ARGV chunks, at most a few dozen: each is 8 kB
  Returns version, bytes, … in the order of the arguments.
]]
if redis.call('EXISTS', keys.room) == 0 then return NO_ROOM end
return read_chunks(keys.departed, keys.departed_versions, 1, ARGV)
