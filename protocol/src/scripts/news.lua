-- news: which of these partitions have changes behind a position in their feed. Many followers come back at once after
-- a failover, most of them to nothing new: this is one call for each of them, where changes.lua is one for each partition.
--
-- What makes a position good is in changes.lua.
--
-- KEYS[1 …] the partitions' streams of changes; of several on one Redis only
-- ARGV[2n - 1] the position in the stream KEYS[n]
-- ARGV[2n] the next ID
--
-- Reply: {<1 if there are changes, 0 if there are none, -1 where the position is not good>, …}, one for each key

local reply = {}
for n, stream in ipairs(KEYS) do
  local entries = redis.call('XRANGE', stream, ARGV[2 * n - 1], '+', 'COUNT', 2)
  local first = entries[1] and entries[1][1]
  if first == ARGV[2 * n - 1] then
    reply[n] = #entries - 1
  else
    reply[n] = first and (first == ARGV[2 * n] or ARGV[2 * n - 1] == '0-0') and 1 or -1
  end
end
return reply
