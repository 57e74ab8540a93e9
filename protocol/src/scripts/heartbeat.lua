-- heartbeat: says that a worker lives, and answers who does.
--
-- KEYS[1] the sorted set of workers
-- ARGV[1] the worker's name
-- ARGV[2] after how many ms a silent worker counts as gone
--
-- A heartbeat that lies ahead comes from a clock that has stepped back since. Who lives says so again within a second.
--
-- Reply: the names of the workers that live, this one included

local now = milliseconds()
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')
return redis.call('ZRANGE', KEYS[1], 0, -1)
