-- The terms of primaries: which of them gave out the ID of a write.
--
-- A new primary may lack the end of its stream, and its clock may be behind that of the old one. With
-- `XADD *` it could give out an ID that was given out before, for another write. So in a store that can fail
-- over the seq of an ID is <term> * 65536 + <n>. The term is cut out of the replication ID, which Redis makes
-- anew at each promotion (and start) of a primary; two terms are alike once in 2^36.
--
-- Only in such a store has the hash of terms any: start_terms.lua begins with them. 'current' is the term of the last
-- ID; a term that ended has the last ID that is left of it. What was above is lost.
--
-- The IDs of the feed of changes have the term too, where there are any. They need no record of their own:
-- an entry that is not there, under an ID that none has again, is enough to tell.

local ids_per_term = 65536

-- The term of the primary that runs this. 0 is that of a store without terms.
local function this_term()
  local replication_id = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  return math.max(1, tonumber(string.sub(replication_id, 1, 9), 16))
end

-- The term of an ID with this seq, as text.
local function term_of(seq)
  return string.format('%.0f', math.floor(tonumber(seq) / ids_per_term))
end

-- Puts the fields values[from] to values[to] on the stream under this ID, by redis.call or redis.pcall. With `kept`,
-- whole nodes are taken off the other end of the stream, so that about so many entries are left.
local function add(call, stream, id, kept, values, from, to)
  if kept then return call('XADD', stream, 'MAXLEN', '~', kept, id, unpack(values, from, to)) end
  return call('XADD', stream, id, unpack(values, from, to))
end

-- The same under an ID of this term that no entry had; answers it. Without a term Redis makes the ID.
local function append_in_term(stream, large, term, values, from, to, kept)
  if not term then return add(redis.call, stream, '*', kept, values, from, to) end

  local first = string.format('%.0f', tonumber(term) * ids_per_term)
  local now = string.format('%.0f', milliseconds())
  local id = add(redis.pcall, stream, now .. '-' .. first, kept, values, from, to)
  if type(id) == 'string' then return id end
  if not string.find(id.err, 'equal or smaller', 1, true) then error(id) end

  -- The last ID is of this millisecond, or above it: the clock is behind.
  local ms, seq = last_generated_id(stream, large)
  if term_of(seq) == term and term_of(seq + 1) == term then
    seq = string.format('%.0f', seq + 1)
  else
    ms, seq = string.format('%.0f', ms + 1), first
  end
  return add(redis.call, stream, ms .. '-' .. seq, kept, values, from, to)
end

