-- live_workers: counts the workers that live.
--
-- KEYS[1] the sorted set of workers
-- ARGV[1] after how many ms a silent worker counts as gone
--
-- A heartbeat that lies further ahead than a worker may be silent comes from a clock that has stepped back since.
--
-- Reply: {<count>}

local now = milliseconds()
return {redis.call('ZCOUNT', KEYS[1], '(' .. (now - ARGV[1]), now + ARGV[1])}
