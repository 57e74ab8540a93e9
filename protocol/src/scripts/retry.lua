-- retry: puts a dead entry back on the channel of its partition, as a new write.
--
-- Nobody waits for it any more and its idempotency record has its outcome, so those two fields
-- stay behind.
--
-- KEYS[1] the partition's dead stream
-- KEYS[2] its stream of writes
-- ARGV[1] the dead entry's ID
-- ARGV[2] the doorbell's channel
-- ARGV[3] the partition's number, the message on the doorbell
--
-- Reply: {<the new write's stream ID>}, or {} where there is no such entry

local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return {} end
local fields = {}
-- The first two pairs are the revision and the reason that the burial added.
for i = 5, #entry[2], 2 do
  local name, value = entry[2][i], entry[2][i + 1]
  if name ~= 'wait' and name ~= 'idem' then
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
end
local id = redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return {id}
