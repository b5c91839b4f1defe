--[[
  Removes the marks that a hold left on its seats, because they are free again.
    KEYS[…]  seat  string  "taken:<hold>"
    ARGV[1]  hold
  Returns how many marks were removed.
]]
local removed = 0
for _, key in ipairs(KEYS) do
    if redis.call('GET', key) == 'taken:' .. ARGV[1] then
        removed = removed + redis.call('DEL', key)
    end
end
return removed
