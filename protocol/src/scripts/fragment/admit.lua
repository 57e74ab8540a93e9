-- Puts one write on the stream, or says why not: the reply of accept.lua.
--
-- A repeated idempotency key answers the write that the first request made. A condition is
-- judged when the write's turn comes; only where nothing is pending, and nothing must be
-- remembered, is a certain refusal said at once. The doorbell rings only when the stream was
-- empty: a worker that was rung commits until it is empty again, so further writes need no ring.
--
-- `channel` has stream, large, terms, max_pending, doorbell, partition and kept (ms); the fields of the stream
-- entry are ARGV[from] to ARGV[to]; `record` is the idempotency record's key, or nil; `item` that of the
-- item, or nil where no condition is to be judged here.
local function admit(channel, item, record, digest, from, to)
  local earlier = record and recall(record, digest, channel.kept)
  if earlier then return earlier end

  local pending = redis.call('XLEN', channel.stream)
  if pending >= channel.max_pending then
    return {'full', pending}
  end

  if item and pending == 0 and not record then
    local if_match, if_none_match
    for i = from, to, 2 do
      if ARGV[i] == 'if-match' then if_match = ARGV[i + 1] end
      if ARGV[i] == 'if-none-match' then if_none_match = ARGV[i + 1] end
    end
    if if_match or if_none_match then
      local current = current_revision(item)
      if not holds(if_match, if_none_match, current) then return {'rejected', current or '-'} end
    end
  end

  if record then need('SET', record, '') end
  local id = append(channel, ARGV, from, to)
  if record then redis.call('SET', record, id .. ' ' .. digest, 'PX', channel.kept) end
  if pending == 0 then ring(channel) end
  return {'accepted', id, pending}
end

