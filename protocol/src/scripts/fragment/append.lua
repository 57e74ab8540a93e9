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

-- Puts the fields values[from] to values[to] on the stream of writes, and answers their ID. The terms are told of
-- it: from then on, and for `kept` ms, they say what was lost.
local function append(stream, terms, values, from, to, kept)
  local current = redis.call('HGET', terms, 'current')
  if not current then return append_in_term(stream, nil, values, from, to) end
  local term = string.format('%.0f', this_term())
  if current ~= term then begin_term(stream, terms, current, term, kept) end
  return append_in_term(stream, term, values, from, to)
end

