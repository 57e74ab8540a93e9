-- outcome: tells what became of a write, from what is there anyway.
--
-- Its entry is still in the stream: pending. A record says why it was not applied: rejected.
-- Its ID is above the last one that the stream gave out: unknown. Older than such records are
-- kept: gone, never a guess. Otherwise: applied.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] where the record would be if the write was not applied
-- KEYS[3] the item, if the caller names it
-- ARGV[1] the write's ms, in decimal
-- ARGV[2] the write's seq, in decimal
-- ARGV[3] for how many ms records are kept
--
-- Reply: {<state>, <outcome or ''>, <current revision of the item, '-' for none or unasked>};
--        the state is pending, rejected, unknown, gone or applied

local ms, seq = ARGV[1], ARGV[2]
local id = ms .. '-' .. seq

local function state()
  if #redis.call('XRANGE', KEYS[1], id, id, 'COUNT', 1) > 0 then return 'pending', '' end
  local record = redis.call('GET', KEYS[2])
  if record then return 'rejected', record end
  if above(ms, seq, last_generated_id(KEYS[1])) then return 'unknown', '' end
  if milliseconds() - tonumber(ms) > tonumber(ARGV[3]) then return 'gone', '' end
  return 'applied', ''
end

local name, outcome = state()
return {name, outcome, KEYS[3] and current_revision(KEYS[3]) or '-'}
