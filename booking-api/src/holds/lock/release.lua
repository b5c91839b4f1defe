--[[
  Ends a request's locks, and only its own: a lock that has expired and is another's by now stays.
    KEYS[…]  seat  string  owner of the lock, or "taken:<hold>"
    ARGV[1]  owner     ARGV[2]  hold that took the seats, or ""     ARGV[3]  milliseconds that its mark stays
  Returns how many locks were still the owner's.
]]
local mine = 0
for _, key in ipairs(KEYS) do
    if redis.call('GET', key) == ARGV[1] then
        mine = mine + 1
        if ARGV[2] == '' or tonumber(ARGV[3]) <= 0 then
            redis.call('DEL', key)
        else
            redis.call('SET', key, 'taken:' .. ARGV[2], 'PX', ARGV[3])
        end
    end
end
return mine
