#!lua flags=no-writes
-- outcome: tells what became of a write, from what is there anyway.
--
-- Its entry is still in the stream: pending. A reason is kept: rejected. Its ID is above the
-- last one that the stream gave out: unknown. Older than reasons are kept: gone, never a
-- guess. Otherwise: applied.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] where the reason would be if it was rejected
-- ARGV[1] the write's ms, in decimal
-- ARGV[2] the write's seq, in decimal
-- ARGV[3] for how many ms reasons are kept
--
-- Reply: {'pending'}, {'rejected', <reason>}, {'unknown'}, {'gone'} or {'applied'}

-- Compares decimals without leading zeros as text: seq may exceed what a Lua number holds.
local function above(a, b)
  return #a > #b or (#a == #b and a > b)
end

local ms, seq = ARGV[1], ARGV[2]
local id = ms .. '-' .. seq
if redis.call('EXISTS', KEYS[1]) == 0 then return {'unknown'} end
if #redis.call('XRANGE', KEYS[1], id, id, 'COUNT', 1) > 0 then return {'pending'} end

local reason = redis.call('GET', KEYS[2])
if reason then return {'rejected', reason} end

local info = redis.call('XINFO', 'STREAM', KEYS[1])
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then
    local last_ms, last_seq = string.match(info[i + 1], '^(%d+)-(%d+)$')
    if above(ms, last_ms) or (ms == last_ms and above(seq, last_seq)) then
      return {'unknown'}
    end
  end
end

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ms) > tonumber(ARGV[3]) then
  return {'gone'}
end
return {'applied'}
