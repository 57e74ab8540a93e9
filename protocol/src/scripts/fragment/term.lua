-- The terms of primaries: which of them gave out the ID of a write.
--
-- A new primary may lack the end of its stream, and its clock may be behind that of the old one. With
-- `XADD *` it could give out an ID that was given out before, for another write. So in a store that can fail
-- over the seq of an ID is <term> * 65536 + <n>. The term is cut out of the replication ID, which Redis makes
-- anew at each promotion (and start) of a primary; two terms are alike once in 2^36.
--
-- The hash of terms exists in such a store only: start_terms.lua makes it. 'current' is the term of the last
-- ID; a term that ended has the last ID that is left of it. What was above is lost.
--
-- The IDs of the feed of changes have the term too, where there is such a hash. They need no record of their own:
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

-- Ends the term `was` with the last ID that is there of it. Those that ended more than `kept` ms ago are
-- forgotten: no outcome is told for so long.
local function begin_term(stream, terms, was, term, kept)
  local ms, seq = last_generated_id(stream)
  local known = redis.call('HGETALL', terms)
  for i = 1, #known, 2 do
    local ended = tonumber(string.match(known[i + 1], '^(%d+)-'))
    if ended and ended < tonumber(ms) - kept then redis.call('HDEL', terms, known[i]) end
  end
  redis.call('HSET', terms, was, ms .. '-' .. seq, 'current', term)
end

-- Puts the fields values[from] to values[to] on the stream, under an ID of this term that no entry had; answers
-- it. Without a term Redis makes the ID. With `kept`, whole nodes are taken off the other end of the stream, so
-- that about so many entries are left.
local function append_in_term(stream, term, values, from, to, kept)
  local function add(call, id)
    if kept then return call('XADD', stream, 'MAXLEN', '~', kept, id, unpack(values, from, to)) end
    return call('XADD', stream, id, unpack(values, from, to))
  end
  if not term then return add(redis.call, '*') end

  local first = string.format('%.0f', tonumber(term) * ids_per_term)
  local now = string.format('%.0f', milliseconds())
  local id = add(redis.pcall, now .. '-' .. first)
  if type(id) == 'string' then return id end

  -- The last ID is of this millisecond, or above it: the clock is behind.
  local ms, seq = last_generated_id(stream)
  if term_of(seq) == term and term_of(seq + 1) == term then
    seq = string.format('%.0f', seq + 1)
  else
    ms, seq = string.format('%.0f', ms + 1), first
  end
  return add(redis.call, ms .. '-' .. seq)
end

-- The same on the stream of writes, which the terms are told of: from then on, and for `kept` ms, they say what
-- was lost.
local function append(stream, terms, values, from, to, kept)
  local current = redis.call('HGET', terms, 'current')
  if not current then return append_in_term(stream, nil, values, from, to) end
  local term = string.format('%.0f', this_term())
  if current ~= term then begin_term(stream, terms, current, term, kept) end
  return append_in_term(stream, term, values, from, to)
end

-- Whether the ID was given out, and not lost since.
local function is_there(stream, terms, ms, seq)
  if above(ms, seq, last_generated_id(stream)) then return false end
  local current, term = redis.call('HGET', terms, 'current'), term_of(seq)
  if not current or term == current then return true end
  local ended_ms, ended_seq = string.match(redis.call('HGET', terms, term) or '', '^(%d+)-(%d+)$')
  return ended_ms ~= nil and not above(ms, seq, ended_ms, ended_seq)
end

