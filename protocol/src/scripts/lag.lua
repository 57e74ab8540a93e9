-- lag: tells the age of the oldest unapplied write of a partition.
--
-- KEYS[1] the partition's stream of writes
--
-- Reply: {<ms since it was accepted, 0 where there is none>}

local head = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not head then return {0} end
return {math.max(0, milliseconds() - tonumber(string.match(head[1], '^%d+')))}
