-- lag: tells the age of the oldest unapplied write of a partition.
--
-- KEYS[1] the partition's stream of writes
-- ARGV[1] the stream of large entries
--
-- Reply: {<ms since it was accepted, 0 where there is none>}

local oldest = first_id(KEYS[1], ARGV[1], '+')
if not oldest then return {0} end
return {math.max(0, milliseconds() - tonumber(string.match(oldest, '^%d+')))}
