-- Whether the ID a_ms-a_seq lies above b_ms-b_seq. They are decimals without leading zeros, and
-- are compared as text: a Lua number does not hold 64 bits.
local function above(a_ms, a_seq, b_ms, b_seq)
  local function greater(x, y) return #x > #y or (#x == #y and x > y) end
  return greater(a_ms, b_ms) or (a_ms == b_ms and greater(a_seq, b_seq))
end

-- The ms and the seq of the last ID that the stream gave out.
local function last_generated_id(stream)
  if redis.call('EXISTS', stream) == 1 then
    local info = redis.call('XINFO', 'STREAM', stream)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then return string.match(info[i + 1], '^(%d+)-(%d+)$') end
    end
  end
  return '0', '0'
end

