#!lua
-- accept: puts a write on the channel of its partition, or refuses it for overload.
--
-- The reply leaves Redis after the append-only file is on disk (appendfsync always), so a
-- write that was answered is durable. The doorbell rings only when the stream was empty:
-- a worker that was rung commits until it is empty again, so further writes need no ring.
--
-- KEYS[1]   the partition's stream of writes
-- ARGV[1]   how many unapplied writes the partition may hold
-- ARGV[2]   the doorbell's channel
-- ARGV[3]   the partition's number, the message on the doorbell
-- ARGV[4..] the fields of the stream entry (see write.rs)
--
-- Reply: {'accepted', <stream ID>} or {'full', <unapplied writes>}

local pending = redis.call('XLEN', KEYS[1])
if pending >= tonumber(ARGV[1]) then
  return {'full', pending}
end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4))
if pending == 0 then
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
return {'accepted', id}
