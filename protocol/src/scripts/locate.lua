-- locate: tells which master of a cluster has which slots.
--
-- Spin flattens nested replies, so that of CLUSTER SLOTS itself could not be told apart.
--
-- Reply: for each range of slots the first, the last, and the master's host and port; the host is '' where it is
--        that of the node which was asked. Nothing where Redis is no cluster.

local ranges = redis.pcall('CLUSTER', 'SLOTS')
local reply = {}
if ranges.err then return reply end
for _, range in ipairs(ranges) do
  local master = range[3]
  -- What is no text is a host that the node does not know.
  local host = type(master[1]) == 'string' and master[1] or ''
  for _, value in ipairs({range[1], range[2], host, master[2]}) do reply[#reply + 1] = value end
end
return reply
