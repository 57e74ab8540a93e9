-- accept: puts a write on the channel of its partition, or refuses it.
--
-- The reply leaves Redis after the append-only file is on disk (appendfsync always), so a
-- write that was answered is durable. The doorbell rings only when the stream was empty:
-- a worker that was rung commits until it is empty again, so further writes need no ring.
--
-- A repeated Idempotency-Key answers the write that the first request made. A condition is
-- judged when the write's turn comes; only where nothing is pending, and nothing must be
-- remembered, is a certain refusal said at once.
--
-- KEYS[1]   the partition's stream of writes
-- KEYS[2]   the item
-- KEYS[3]   the idempotency record, if the request has a key
-- ARGV[1]   how many unapplied writes the partition may hold
-- ARGV[2]   the doorbell's channel
-- ARGV[3]   the partition's number, the message on the doorbell
-- ARGV[4]   the digest of the request, if it has an idempotency key
-- ARGV[5]   for how many ms to remember the idempotency key
-- ARGV[6..] the fields of the stream entry (see write.rs)
--
-- Reply: {'accepted', <stream ID>}, {'full', <unapplied writes>},
--        {'rejected', <current revision or '-'>},
--        {'repeated', <stream ID>, <outcome or ''>} or {'reused'} (another request had the key)

local stream, item, record = KEYS[1], KEYS[2], KEYS[3]

if record then
  local earlier = redis.call('GET', record)
  if earlier then
    local id, digest, outcome = string.match(earlier, '^(%S+) (%S+) ?(.*)$')
    if digest ~= ARGV[4] then return {'reused'} end
    -- Where an interrupted commit told the outcome twice, the first line counts.
    return {'repeated', id, string.match(outcome, '^[^\n]*')}
  end
end

local pending = redis.call('XLEN', stream)
if pending >= tonumber(ARGV[1]) then
  return {'full', pending}
end

if pending == 0 and not record then
  local if_match, if_none_match
  for i = 6, #ARGV, 2 do
    if ARGV[i] == 'if-match' then if_match = ARGV[i + 1] end
    if ARGV[i] == 'if-none-match' then if_none_match = ARGV[i + 1] end
  end
  if if_match or if_none_match then
    local current = current_revision(item)
    if not holds(if_match, if_none_match, current) then return {'rejected', current or '-'} end
  end
end

local id = redis.call('XADD', stream, '*', unpack(ARGV, 6))
if record then
  redis.call('SET', record, id .. ' ' .. ARGV[4], 'PX', ARGV[5])
end
if pending == 0 then
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
return {'accepted', id}
