-- read_after: reads an item, unless a write up to a revision of its partition is unapplied.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] the item
-- KEYS[3] the partition's terms
-- ARGV[1] the format that the caller knows
-- ARGV[2] the ms of the revision, in decimal
-- ARGV[3] the seq of the revision, in decimal
--
-- Reply: {'current', <the item, or nil>}, {'pending'} or {'ahead'} (no such write was accepted,
--        or a failover lost it)

local refused = refusal(KEYS[3])
if refused then return refused end

if not is_there(KEYS[1], KEYS[3], ARGV[2], ARGV[3]) then return {'ahead'} end
if #redis.call('XRANGE', KEYS[1], '-', ARGV[2] .. '-' .. ARGV[3], 'COUNT', 1) > 0 then return {'pending'} end
return {'current', redis.call('GET', KEYS[2])}
