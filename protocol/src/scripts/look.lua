-- look: tells how a partition stands.
--
-- What XINFO tells of the stream has the first entry and the last one with it, values included. So it is asked here,
-- where that need not cross the network, and only while no large values wait.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] its index
-- KEYS[3] its dead letters
-- ARGV[1] its stream of large entries
--
-- Reply: {<unapplied writes>, <ms since the oldest of them was accepted, -1 where there is none>,
--         <writes ever accepted>, <ids on the index>, <dead letters>}, with -1 for what cannot be counted

-- A key that holds something else is why commits fail. What waits then must be seen all the more.
local function count(command, key)
  local counted = redis.pcall(command, key)
  return type(counted) == 'number' and counted or -1
end

local accepted = -1
if redis.call('EXISTS', KEYS[1]) == 0 then
  accepted = 0
elseif not large_entry('XRANGE', ARGV[1], '-', '+') then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'entries-added' then accepted = info[i + 1] end
  end
end
local oldest = first_id(KEYS[1], ARGV[1], '+')
local age = oldest and math.max(0, milliseconds() - tonumber(string.match(oldest, '^%d+'))) or -1
return {redis.call('XLEN', KEYS[1]), age, accepted, count('ZCARD', KEYS[2]), count('XLEN', KEYS[3])}
