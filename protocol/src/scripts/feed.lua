-- feed: tells the first and the last entry of the feed of changes of a partition.
--
-- KEYS[1] the partition's stream of changes
--
-- Reply: {<ID of the first>, <ID of the last>}; {} where there is no feed

local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not first then return {} end
return {first[1], redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]}
