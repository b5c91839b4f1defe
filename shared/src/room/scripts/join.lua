--[[
  Gives each visitor a number: the next one, or the live one that the visitor has already. A join is the first beat, and
  brings somebody who was absent back. Numbers are dense, and the order of the arguments is the order of arrival; after
  another run of Redis the first one jumps over what may have been forgotten, and always over what the caller knows.
    keys: room waiting admissions absent promised joins lobby lobby_absent
    ARGV[1] the promise of a beat, units   ARGV[2] life   ARGV[3] up to which number, and
    without it, the caller knows numbers of that life to have been given   ARGV[4..] visitors, at most a few hundred
  Returns {life, 1 when a replica follows this Redis, place, new, place, new, …} in the order of the
  arguments: new = 1 when the number was given now; place = 0 when the room takes nobody any more; new = 2 says the number of
  somebody in the lobby instead of the place.
]]
local settings = redis.call('HMGET', keys.room, 'life', 'state', 'next', 'run', 'lottery_commitment', 'lottery_size')
local life, state = settings[1], settings[2]
if not life then return NO_ROOM end
if not knows_places() then return DRAWN end
local next_number = next_of_this_run(tonumber(settings[3]), settings[4])
-- More than a run's gap was lost, or two runs one after the other: the second made the same jump as the first.
if ARGV[2] == life and tonumber(ARGV[3]) > next_number then next_number = jump(next_number, tonumber(ARGV[3]) - 1) end
local takes_new = state ~= 'draining' and state ~= 'closed'
local presence = read_presence()
local beat = promise_value(presence.clock_ms, tonumber(ARGV[1]))
local is_listed = settings[5] and not settings[6]
-- One that is still being made does not count, and would only be waited for in vain.
local has_replica = string.find(redis.call('INFO', 'replication'), 'state=online', 1, true) and 1 or 0
local first, answer, scored, places, listed = next_number, { life, has_replica }, {}, {}, {}

-- What is known of them, asked for all at once: at an opening nearly all are new.
local waiting = redis.call('ZMSCORE', keys.waiting, unpack(ARGV, 4))
local admissions = redis.call('HMGET', keys.admissions, unpack(ARGV, 4))
local absent = redis.call('ZMSCORE', keys.absent, unpack(ARGV, 4))
local lobby = redis.call('ZMSCORE', keys.lobby, unpack(ARGV, 4))
local lobby_absent = redis.call('ZMSCORE', keys.lobby_absent, unpack(ARGV, 4))

-- The live place of a visitor, or nil.
local function place_of(index, visitor)
  if waiting[index] then return waiting[index] end
  local admission = parse_admission(admissions[index])
  if admission then return admission.place end
  local place = absent[index]
  if not place then return nil end
  if may_return(place, get_all(keys.promised, 'u32', { tonumber(place) })[1], presence) then
    put_in_line(visitor, place, beat)
    return place
  end
  lapse(visitor, place)
  return nil
end

local seen = {}
for index = 1, #ARGV - 3 do
  local visitor = ARGV[index + 3]
  local place, new = seen[visitor] or place_of(index, visitor), 0
  if not place then
    place = lobby[index] or lobby_absent[index] or nil
    if place then
      new = 2
    elseif takes_new then
      place, new = next_number, 1
      next_number = next_number + 1
      scored[#scored + 1], scored[#scored + 2] = place, visitor
      places[#places + 1] = place
      listed[#listed + 1] = whole(place) .. ' ' .. visitor
    else
      place = 0
    end
  end
  if new ~= 2 then seen[visitor] = place end
  answer[#answer + 1] = tonumber(place)
  answer[#answer + 1] = new
end
if next_number > first then
  redis.call('ZADD', keys.waiting, unpack(scored))
  set_all(keys.promised, 'u32', places, beat)
  redis.call('HSET', keys.room, 'next', whole(next_number))
  -- Who takes part in a lottery is written down, once and in order, whatever becomes of them.
  if is_listed then redis.call('RPUSH', keys.joins, unpack(listed)) end
end
return answer
