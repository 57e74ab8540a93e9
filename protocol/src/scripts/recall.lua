-- recall: answers a repeated request from its idempotency record, and writes nothing where there is none.
--
-- KEYS[1] the partition's terms
-- KEYS[2] the idempotency record
-- ARGV[1] the format that the caller knows
-- ARGV[2] the digest of the request, '' for any
-- ARGV[3] for how many ms to remember the record
--
-- Reply: as of accept.lua {'repeated', <stream ID>, <outcome or ''>} or {'reused'}; {'absent'} where there is no record

local refused = refusal(KEYS[1])
if refused then return refused end
return recall(KEYS[2], ARGV[2], ARGV[3]) or {'absent'}
