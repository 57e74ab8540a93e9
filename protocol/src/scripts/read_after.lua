-- read_after: reads an item, unless a write up to a revision of its partition is unapplied.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] the item
-- KEYS[3] the partition's terms
-- ARGV[1] the format that the caller knows
-- ARGV[2] the ms of the revision, in decimal
-- ARGV[3] the seq of the revision, in decimal
-- ARGV[4] the stream of large entries
-- ARGV[5] for how many ms terms that ended are remembered
--
-- Reply: {'current', <the item, or nil>}, {'pending'} or {'ahead'} (no such write was accepted,
--        or a failover lost it)

local refused = refusal(KEYS[3])
if refused then return refused end

if not is_there(KEYS[1], ARGV[4], KEYS[3], ARGV[2], ARGV[3], ARGV[5]) then return {'ahead'} end
if first_id(KEYS[1], ARGV[4], ARGV[2] .. '-' .. ARGV[3]) then return {'pending'} end
return {'current', redis.call('GET', KEYS[2])}
