-- accept: puts a write on the channel of its partition, or refuses it.
--
-- The reply leaves Redis after the append-only file is on disk (appendfsync always), so a
-- write that was answered is durable.
--
-- KEYS[1]   the partition's stream of writes
-- KEYS[2]   its terms
-- KEYS[..]  the idempotency record, if the request has a key; then the item, if the write has a condition
--           that may be judged early. No other key is declared: while a partition of a cluster moves to another
--           master, Redis runs what finds all of its keys in one place
-- ARGV[1]   the format that the caller knows
-- ARGV[2]   how many unapplied writes the partition may hold
-- ARGV[3]   the doorbell's channel
-- ARGV[4]   the partition's number, the message on the doorbell
-- ARGV[5]   for how many ms to remember an idempotency key, and terms that ended
-- ARGV[6]   the stream of large entries, which is no key that Redis has to find
-- ARGV[7]   the digest of the request, '' if it has no idempotency key
-- ARGV[8]   1 if the item is among the keys, else 0
-- ARGV[9..] the fields of the stream entry (see write.rs)
--
-- Reply: {'accepted', <stream ID>, <unapplied writes before it>}, {'full', <unapplied writes>},
--        {'rejected', <current revision or '-'>},
--        {'repeated', <stream ID>, <outcome or ''>} or {'reused'} (another request had the key)

local refused = refusal(KEYS[2])
if refused then return refused end

local channel = {
  stream = KEYS[1], terms = KEYS[2], large = ARGV[6],
  max_pending = tonumber(ARGV[2]), doorbell = ARGV[3], partition = ARGV[4], kept = ARGV[5],
}
local record = ARGV[7] ~= '' and KEYS[3] or nil
local item = ARGV[8] == '1' and KEYS[#KEYS] or nil
return admit(channel, item, record, ARGV[7], 9, #ARGV)
