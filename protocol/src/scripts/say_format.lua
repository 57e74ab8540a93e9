-- say_format: has the data of the partition say its format, where it does not yet.
--
-- Where there is no data, it gets the format of the caller; what is there without a word has format 1. A worker calls
-- it when it comes to a master, before anything else.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] its terms
-- ARGV[1] the format that the caller knows
--
-- Reply: {1} if it was to be done, {0} if it was done before

local is_empty = redis.call('EXISTS', KEYS[1], KEYS[2]) == 0
local refused = not is_empty and refusal(KEYS[2])
if refused then return refused end
return {redis.call('HSETNX', KEYS[2], 'format', ARGV[1])}
