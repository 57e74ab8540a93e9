-- outcome: tells what became of a write, from what is there anyway.
--
-- Its entry is still in the stream: pending. A record says why it was not applied: rejected.
-- Its ID is above the last one that the stream gave out, or lay in the tail that a failover lost:
-- unknown. Older than such records are kept: gone, never a guess. Otherwise: applied.
--
-- Records are kept by the clock of Redis, which may step. So it is written down up to when they are forgotten (expire.lua).
--
-- Who names an item is told of its writes only: one to another item is unknown.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] its stream of records of writes that were not applied
-- KEYS[3] the partition's terms
-- KEYS[4] the item, if the caller names one
-- ARGV[1] the format that the caller knows
-- ARGV[2] the write's ms, in decimal
-- ARGV[3] the write's seq, in decimal
-- ARGV[4] for how many ms records are kept
-- ARGV[5] the item's id, '' if the caller names none
-- ARGV[6] the stream of large entries
--
-- Reply: {<state>, <outcome or ''>, <current revision of the item, '-' for none or unasked>};
--        the state is pending, rejected, unknown, gone or applied

local refused = refusal(KEYS[3])
if refused then return refused end

local ms, seq = ARGV[2], ARGV[3]
local id = ms .. '-' .. seq

local function is_of_another(item_id)
  return ARGV[5] ~= '' and item_id ~= ARGV[5]
end

local function state()
  local is_large, item_id = large_entry('XRANGE', ARGV[6], id, id)
  local entry = not is_large and redis.call('XRANGE', KEYS[1], id, id, 'COUNT', 1)[1]
  if is_large or entry then
    if is_of_another(item_id or entry[2][4]) then return 'unknown', '' end
    return 'pending', ''
  end
  local record = redis.call('XRANGE', KEYS[2], id, id, 'COUNT', 1)[1]
  if record then
    if is_of_another(record[2][4]) then return 'unknown', '' end
    return 'rejected', record[2][2]
  end
  if above(ms, seq, last_generated_id(KEYS[1], ARGV[6])) then return 'unknown', '' end
  local forgotten = tonumber(redis.call('HGET', KEYS[3], 'forgotten') or 0)
  if tonumber(ms) <= math.max(milliseconds() - ARGV[4], forgotten) then return 'gone', '' end
  if not is_there(KEYS[1], ARGV[6], KEYS[3], ms, seq, ARGV[4]) then return 'unknown', '' end
  return 'applied', ''
end

local name, outcome = state()
return {name, outcome, KEYS[4] and current_revision(KEYS[4]) or '-'}
