--[[
  Locks seats for one request: all of them or none.
    KEYS[…]  seat  string  owner of the lock, or "taken:<hold>" for a moment after it was held
    ARGV[1]  owner, a random value          ARGV[2]  milliseconds after which the lock ends by itself
  Returns one number per seat if any is not free: 0 free, 1 locked by another request, 2 just taken;
          an empty list if all are locked now.
  Limit: one request's seats, which the service bounds.
]]
local states = {}
local free = true
for index, key in ipairs(KEYS) do
    local value = redis.call('GET', key)
    states[index] = 0
    if value then
        free = false
        states[index] = string.sub(value, 1, 6) == 'taken:' and 2 or 1
    end
end
if not free then return states end
for _, key in ipairs(KEYS) do
    redis.call('SET', key, ARGV[1], 'NX', 'PX', ARGV[2])
end
return {}
