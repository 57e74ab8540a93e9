-- retry: puts a dead entry back on the channel of its partition, as a new write.
--
-- Nobody waits for it any more and its idempotency record has its outcome, so those two fields
-- stay behind. Its condition is judged anew, and its time to live counts from now.
--
-- How many writes are pending does not matter here. That limit (accept.lua) keeps clients from
-- filling Redis, but a dead entry was accepted once, takes as much memory either way, and goes
-- back at an operator's word; nor does whoever calls this know the limit, a setting of the
-- component. While Redis is out of memory it refuses this as it refuses any new write.
--
-- The entry leaves the dead stream only after it is back on the channel. Whatever fails ends the script, and it is still
-- there, and not on the channel.
--
-- KEYS[1] the partition's dead stream
-- KEYS[2] its stream of writes
-- KEYS[3] its terms
-- ARGV[1] the format that the caller knows
-- ARGV[2] the dead entry's ID
-- ARGV[3] the doorbell's channel
-- ARGV[4] the partition's number, the message on the doorbell
-- ARGV[5] for how many ms to remember terms that ended
-- ARGV[6] the stream of large entries
--
-- Reply: {'retried', <the new write's stream ID>}, {'absent'} where there is no such entry, or
--        {'unfit', <why it cannot be put back; it stays>}

local refused = refusal(KEYS[3])
if refused then return refused end

local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if not entry then return {'absent'} end
local dead = entry[2]

-- A burial puts the revision and the reason in front. Where they are not, somebody else wrote
-- the entry, and all of it counts.
local from = 1
if dead[1] == 'revision' and dead[3] == 'reason' then from = 5 end
if #dead < from then return {'unfit', 'it has no fields'} end
-- Lua unpacks nearly 8000 values and no more. A burial keeps 4000.
if #dead > 7000 then return {'unfit', 'it has more fields than a script can write'} end

local fields = {}
for i = from, #dead, 2 do
  if dead[i] ~= 'wait' and dead[i] ~= 'idem' then
    fields[#fields + 1] = dead[i]
    fields[#fields + 1] = dead[i + 1]
  end
end
-- Redis has no entry without fields. As nothing else is there, these two mean nothing.
if #fields == 0 then fields = {unpack(dead, from)} end

local channel = {
  stream = KEYS[2], terms = KEYS[3], large = ARGV[6], doorbell = ARGV[3], partition = ARGV[4], kept = ARGV[5],
}
need('XDEL', KEYS[1], ARGV[2])
local id = append(channel, fields, 1, #fields)
redis.call('XDEL', KEYS[1], ARGV[2])
ring(channel)
return {'retried', id}
