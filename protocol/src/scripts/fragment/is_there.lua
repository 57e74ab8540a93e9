-- Whether the ID a_ms-a_seq lies above b_ms-b_seq. They are decimals without leading zeros, and
-- are compared as text: a Lua number does not hold 64 bits.
local function above(a_ms, a_seq, b_ms, b_seq)
  local function greater(x, y) return #x > #y or (#x == #y and x > y) end
  return greater(a_ms, b_ms) or (a_ms == b_ms and greater(a_seq, b_seq))
end

-- Whether the ID was given out, and not lost since. Terms that ended are forgotten after `kept` ms: an ID of such a term
-- counts as there, as all that old does.
local function is_there(stream, large, terms, ms, seq, kept)
  if above(ms, seq, last_generated_id(stream, large)) then return false end
  local current, term = redis.call('HGET', terms, 'current'), term_of(seq)
  if not current or term == current then return true end
  local ended_ms, ended_seq = string.match(redis.call('HGET', terms, term) or '', '^(%d+)-(%d+)$')
  if not ended_ms then return milliseconds() - tonumber(ms) > tonumber(kept) end
  return not above(ms, seq, ended_ms, ended_seq)
end

