--[[
  Gives each visitor a number: the next one, or the live one that the visitor has already.
  Numbers are dense, and the order of the arguments is the order of arrival.
    KEYS[1] room      hash   life, state, next      KEYS[3] admissions  hash  visitor -> admission
    KEYS[2] waiting   zset   visitor -> place
    ARGV[1..]         visitors, at most a few hundred
  Returns false when there is no such room, else {life, number, new, number, new, …} in the order of the
  arguments: new = 1 when the number was given now; number = 0 when the room takes nobody any more.
]]
local settings = redis.call('HMGET', KEYS[1], 'life', 'state', 'next')
local life, state, next_number = settings[1], settings[2], tonumber(settings[3])
if not life then return false end
local takes_new = state ~= 'draining' and state ~= 'closed'
local first = next_number
local answer = { life }
for index = 1, #ARGV do
  local visitor = ARGV[index]
  local number, new = redis.call('ZSCORE', KEYS[2], visitor), 0
  if not number then
    local admission = read_admission(KEYS[3], visitor)
    if admission then
      number = admission.number
    elseif takes_new then
      number, new = next_number, 1
      redis.call('ZADD', KEYS[2], number, visitor)
      next_number = next_number + 1
    else
      number = 0
    end
  end
  answer[#answer + 1] = tonumber(number)
  answer[#answer + 1] = new
end
if next_number > first then redis.call('HSET', KEYS[1], 'next', next_number) end
return answer
