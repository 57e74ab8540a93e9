-- expire: takes ids whose items have expired off the index of a partition, and tells the feed of it; and forgets the
-- records of writes that were not applied when they are old.
--
-- Redis expires the items themselves; the expiry set remembers which ids to forget with them.
-- An item that is still there counts by its own time to live, whoever changed it.
--
-- KEYS[1] the partition's index
-- KEYS[2] its expiry set
-- KEYS[3] a key that never exists: so Redis refuses this while the partition moves to another master
-- KEYS[4] its stream of changes
-- KEYS[5] its terms
-- KEYS[6] its stream of records of writes that were not applied
-- ARGV[1] the format that the caller knows
-- ARGV[2] what the keys of its items start with
-- ARGV[3] most ids to look at
-- ARGV[4] how many changes to keep, about; 0 for no feed of them
-- ARGV[5] for how many ms to keep the records
--
-- Reply: {<ids looked at>, <ids taken off the index>}

local refused = refusal(KEYS[5])
if refused then return refused end

local changes_kept = tonumber(ARGV[4])
local feed = open_feed(KEYS[4], KEYS[5], changes_kept)
local now = milliseconds()

-- Up to when records are forgotten is written down first: what comes before it has no outcome any more, whatever the
-- clock says later (outcome.lua).
local oldest = now - ARGV[5]
if #redis.call('XRANGE', KEYS[6], '-', oldest, 'COUNT', 1) > 0 then
  redis.call('HSET', KEYS[5], 'forgotten', oldest)
  redis.call('XTRIM', KEYS[6], 'MINID', oldest + 1)
end

local due = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[3])
local removed = 0
if #due > 0 then need('ZREM', KEYS[2], '') end
for _, id in ipairs(due) do
  local ends = redis.call('PEXPIRETIME', ARGV[2] .. id)
  if ends > 0 then
    redis.call('ZADD', KEYS[2], ends, id)
  else
    if ends == -2 then
      removed = removed + redis.call('ZREM', KEYS[1], id)
      if changes_kept > 0 then append_change(feed, 'expire', id, '-', '-') end
    end
    -- Last, so that what fails before is done again.
    redis.call('ZREM', KEYS[2], id)
  end
end
return {#due, removed}
