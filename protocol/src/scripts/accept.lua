-- accept: puts a write on the channel of its partition, or refuses it.
--
-- The reply leaves Redis after the append-only file is on disk (appendfsync always), so a
-- write that was answered is durable.
--
-- KEYS[1]   the partition's stream of writes
-- KEYS[2]   the item
-- KEYS[3]   the idempotency record, if the request has a key
-- ARGV[1]   how many unapplied writes the partition may hold
-- ARGV[2]   the doorbell's channel
-- ARGV[3]   the partition's number, the message on the doorbell
-- ARGV[4]   for how many ms to remember the idempotency key
-- ARGV[5]   the digest of the request, if it has an idempotency key
-- ARGV[6..] the fields of the stream entry (see write.rs)
--
-- Reply: {'accepted', <stream ID>, <unapplied writes before it>}, {'full', <unapplied writes>},
--        {'rejected', <current revision or '-'>},
--        {'repeated', <stream ID>, <outcome or ''>} or {'reused'} (another request had the key)

local channel = {
  stream = KEYS[1], max_pending = tonumber(ARGV[1]), doorbell = ARGV[2], partition = ARGV[3], kept = ARGV[4],
}
return admit(channel, KEYS[2], KEYS[3], ARGV[5], 6, #ARGV)
