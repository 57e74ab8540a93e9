-- look: tells how a partition stands.
--
-- What XINFO tells of the stream has the first entry and the last one with it, values included. So this is asked
-- here, where it need not cross the network.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] its index
-- KEYS[3] its dead letters
--
-- Reply: {<unapplied writes>, <ms since the oldest of them was accepted, -1 where there is none>,
--         <writes ever accepted>, <ids on the index>, <dead letters>}, with -1 for what cannot be counted

-- A key that holds something else is why commits fail. What waits then must be seen all the more.
local function count(command, key)
  local counted = redis.pcall(command, key)
  return type(counted) == 'number' and counted or -1
end

local pending, oldest, accepted = 0, -1, 0
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    local name, value = info[i], info[i + 1]
    if name == 'length' then
      pending = value
    elseif name == 'entries-added' then
      accepted = value
    elseif name == 'first-entry' and value then
      oldest = math.max(0, milliseconds() - tonumber(string.match(value[1], '^%d+')))
    end
  end
end
return {pending, oldest, accepted, count('ZCARD', KEYS[2]), count('XLEN', KEYS[3])}
