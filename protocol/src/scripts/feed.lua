-- feed: tells the first and the last entry of the feed of changes of each of these partitions.
--
-- KEYS[1 …] the partitions' streams of changes; of several on one Redis only
--
-- Reply: {<ID of the first>, <ID of the last>, …}, two for each key; {} where one of them has no feed

local reply = {}
for n, stream in ipairs(KEYS) do
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if not first then return {} end
  reply[2 * n - 1] = first[1]
  reply[2 * n] = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1][1]
end
return reply
