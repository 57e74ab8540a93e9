#!lua flags=no-writes
-- live_workers: counts the workers that live.
--
-- KEYS[1] the sorted set of workers
-- ARGV[1] after how many ms a silent worker counts as gone
--
-- Reply: {<count>}

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {redis.call('ZCOUNT', KEYS[1], '(' .. (now - ARGV[1]), '+inf')}
