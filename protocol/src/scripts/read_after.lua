-- read_after: reads an item, unless a write up to a revision of its partition is unapplied.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] the item
-- KEYS[3] the partition's terms
-- ARGV[1] the ms of the revision, in decimal
-- ARGV[2] the seq of the revision, in decimal
--
-- Reply: {'current', <the item, or nil>}, {'pending'} or {'ahead'} (no such write was accepted,
--        or a failover lost it)

if not is_there(KEYS[1], KEYS[3], ARGV[1], ARGV[2]) then return {'ahead'} end
if #redis.call('XRANGE', KEYS[1], '-', ARGV[1] .. '-' .. ARGV[2], 'COUNT', 1) > 0 then return {'pending'} end
return {'current', redis.call('GET', KEYS[2])}
