-- The stream of writes holds whole values, and Redis answers no entry without its value. So those entries that are
-- large have their IDs and the ids of their items in a second stream, `large`, which is asked first: then no script
-- reads a large value to learn an ID.
--
-- It only saves time. What fails here, on a key that somebody else made or while the partition moves, is left out.

-- How many bytes of content make an entry large.
local large_from = 16384

-- Notes the entry that has these fields, where it is large.
local function note_large(large, id, item_id, content)
  if content and #content >= large_from then redis.pcall('XADD', large, id, 'id', item_id) end
end

-- The ID of the first large entry (XRANGE) or of the last (XREVRANGE) of this range, and the id of its item; nil where
-- there is none.
local function large_entry(command, large, from, to)
  local entries = large and redis.pcall(command, large, from, to, 'COUNT', 1)
  local entry = entries and entries[1]
  if entry then return entry[1], entry[2][2] end
end

-- The ID of the first entry of the stream up to `to`; nil where there is none.
local function first_id(stream, large, to)
  local id = large_entry('XRANGE', large, '-', to)
  local entry = redis.call('XRANGE', stream, '-', id and '(' .. id or to, 'COUNT', 1)[1]
  return entry and entry[1] or id
end
