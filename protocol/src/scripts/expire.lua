-- expire: takes ids whose items have expired off the index of a partition.
--
-- Redis expires the items themselves; the expiry set remembers which ids to forget with them.
-- An item that is still there counts by its own time to live, whoever changed it.
--
-- KEYS[1] the partition's index
-- KEYS[2] its expiry set
-- KEYS[3] a key that never exists: so Redis refuses this while the partition moves to another master
-- ARGV[1] what the keys of its items start with
-- ARGV[2] most ids to look at
--
-- Reply: {<ids looked at>, <ids taken off the index>}

local now = milliseconds()
local due = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])
local removed = 0
for _, id in ipairs(due) do
  local ends = redis.call('PEXPIRETIME', ARGV[1] .. id)
  if ends > 0 then
    redis.call('ZADD', KEYS[2], ends, id)
  else
    redis.call('ZREM', KEYS[2], id)
    if ends == -2 then
      removed = removed + redis.call('ZREM', KEYS[1], id)
    end
  end
end
return {#due, removed}
