-- Ends the term `was` with the last ID that is there of it. Those that ended more than `kept` ms ago are
-- forgotten: no outcome is told for so long.
local function begin_term(stream, large, terms, was, term, kept)
  local ms, seq = last_generated_id(stream, large)
  local known = redis.call('HGETALL', terms)
  for i = 1, #known, 2 do
    local ended = tonumber(string.match(known[i + 1], '^(%d+)-'))
    if ended and ended < tonumber(ms) - kept then redis.call('HDEL', terms, known[i]) end
  end
  redis.call('HSET', terms, was, ms .. '-' .. seq, 'current', term)
end

-- Puts the fields values[from] to values[to], op and id first, on the channel's stream of writes, and answers their ID.
-- The terms say from then on, and for `kept` ms, what was lost.
local function append(channel, values, from, to)
  local current, term = redis.call('HGET', channel.terms, 'current'), nil
  if current then
    term = string.format('%.0f', this_term())
    if current ~= term then begin_term(channel.stream, channel.large, channel.terms, current, term, channel.kept) end
  end
  local id = append_in_term(channel.stream, channel.large, term, values, from, to)
  note_large(channel.large, id, values[from + 3], from + 7 <= to and values[from + 7])
  return id
end

-- Wakes the workers of the partition. Who may not write to the channel has a write that waits for the sweep: no error,
-- for the write is accepted.
local function ring(channel)
  redis.pcall('SPUBLISH', channel.doorbell, channel.partition)
end

