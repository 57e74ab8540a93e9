-- live_workers: counts the workers that live.
--
-- KEYS[1] the sorted set of workers
-- ARGV[1] after how many ms a silent worker counts as gone
--
-- Reply: {<count>}

local now = milliseconds()
return {redis.call('ZCOUNT', KEYS[1], '(' .. (now - ARGV[1]), '+inf')}
