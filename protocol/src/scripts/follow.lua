-- follow: takes one of the places for requests that wait for changes, or keeps one that was taken. On WASI 0.2 such a
-- request has an instance for itself, and a host has a fixed number of them: what waits must leave some to what does not.
--
-- A place is free again when its time is over, so that a request that ends without a word keeps none for long. A time
-- further ahead than any that is given comes from a clock that has stepped back since, and counts for nothing.
--
-- KEYS[1] the sorted set of requests that wait, by the moment in ms until which each has its place
-- ARGV[1] the name of the request
-- ARGV[2] most places
-- ARGV[3] for how many ms the place is kept
-- ARGV[4] for how many ms the longest is kept
--
-- Reply: {1} where it has a place, {0} where all are taken

local now, most, kept, longest = milliseconds(), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. (now + longest), '+inf')
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= most then return {0} end
redis.call('ZADD', KEYS[1], now + kept, ARGV[1])
redis.call('PEXPIRE', KEYS[1], longest)
return {1}
