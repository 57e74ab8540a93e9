-- What accepting a write answers where its idempotency key was used before; nil where it was not. Without a digest, any
-- request that used it counts.
--
-- It is remembered from the last request on. Being a write, this also makes WAIT cover the first one.
local function recall(record, digest, kept)
  local earlier = redis.call('GET', record)
  if not earlier then return nil end
  local id, earlier_digest, outcome = string.match(earlier, '^(%S+) (%S+) ?(.*)$')
  if digest ~= '' and earlier_digest ~= digest then return {'reused'} end
  redis.call('PEXPIRE', record, kept)
  -- Where an interrupted commit told the outcome twice, the first line counts.
  return {'repeated', id, string.match(outcome, '^[^\n]*')}
end
