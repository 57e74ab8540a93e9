-- accept_many: puts writes on the channel of their partition in order, each or not on its own.
--
-- It does for each what accept.lua does for one. A command that fails for one of them is no reason
-- to refuse another. Where Redis refuses the whole call, for want of memory say, none of them is
-- accepted.
--
-- KEYS[1]   the partition's stream of writes
-- KEYS[2]   its terms
-- KEYS[3]   a key that never exists: so Redis refuses this while the partition moves to another master
-- ARGV[1]   the format that the caller knows
-- ARGV[2]   how many unapplied writes the partition may hold
-- ARGV[3]   the doorbell's channel
-- ARGV[4]   the partition's number, the message on the doorbell
-- ARGV[5]   for how many ms to remember an idempotency key, and terms that ended
-- ARGV[6]   the stream of large entries, which is no key that Redis has to find
-- ARGV[7]   what the keys of its items start with
-- ARGV[8]   1 if conditions may be judged early, else 0
-- ARGV[9..] for each write: how many fields its stream entry has, the key of its idempotency record
--           or '', the digest of its request or '', and the fields (see write.rs)
--
-- Reply: three values for each write, which are those of accept.lua filled up with '', or
--        'failed', <the error of Redis>, ''. The unapplied writes before one are those before the
--        first of the call.

local refused = refusal(KEYS[2])
if refused then return refused end

local channel = {
  stream = KEYS[1], terms = KEYS[2], large = ARGV[6],
  max_pending = tonumber(ARGV[2]), doorbell = ARGV[3], partition = ARGV[4], kept = ARGV[5],
}
local early = ARGV[8] == '1'
local reply, at, before = {}, 9, nil
while at <= #ARGV do
  local from, record = at + 3, ARGV[at + 1]
  local to = from + tonumber(ARGV[at]) - 1
  -- An entry starts with op, its name, id, the id.
  local item = early and ARGV[7] .. ARGV[from + 3] or nil
  local ok, answer = pcall(admit, channel, item, record ~= '' and record or nil, ARGV[at + 2], from, to)
  if not ok then answer = {'failed', type(answer) == 'table' and answer.err or tostring(answer)} end
  if answer[1] == 'accepted' then
    before = before or answer[3]
    answer[3] = before
  end
  for i = 1, 3 do reply[#reply + 1] = answer[i] or '' end
  at = to + 1
end
return reply
