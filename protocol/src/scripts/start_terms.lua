-- start_terms: has the IDs of the partition's writes tell the term of the primary that gives them out.
--
-- For a store that can fail over; a worker calls it when it comes to a primary of one. Doing it again
-- changes nothing.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] its terms
-- ARGV[1] the format that the caller knows
-- ARGV[2] for how many ms to remember terms that ended
-- ARGV[3] the stream of large entries
--
-- Reply: {1} if it was to be done, {0} if it was done before

local refused = refusal(KEYS[2])
if refused then return refused end

if redis.call('HEXISTS', KEYS[2], 'current') == 1 then return {0} end
begin_term(KEYS[1], ARGV[3], KEYS[2], '0', string.format('%.0f', this_term()), ARGV[2])
return {1}
