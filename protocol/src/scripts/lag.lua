#!lua flags=no-writes
-- lag: tells the age of the oldest unapplied write of a partition.
--
-- KEYS[1] the partition's stream of writes
--
-- Reply: {<ms since it was accepted, 0 where there is none>}

local head = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not head then return {0} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {math.max(0, now - tonumber(string.match(head[1], '^%d+')))}
