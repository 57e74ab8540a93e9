-- read_heads: tells the header blocks of items.
--
-- KEYS    the items, all of one partition
-- ARGV[1] the longest that a header block is, in bytes
--
-- Reply: {<header block, '' where there is no item>, <size of the value>, …}

local reply = {}
for i, key in ipairs(KEYS) do
  local head, size = header_block(key, tonumber(ARGV[1]))
  reply[2 * i - 1], reply[2 * i] = head or '', size or 0
end
return reply
