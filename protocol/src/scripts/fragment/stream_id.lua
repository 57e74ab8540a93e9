-- The ms and the seq of the last ID that the stream gave out. `large` has those of its large entries, or is nil.
local function last_generated_id(stream, large)
  local id = large_entry('XREVRANGE', large, '+', '-')
  local entry = redis.call('XREVRANGE', stream, '+', id and '(' .. id or '-', 'COUNT', 1)[1]
  id = entry and entry[1] or id
  -- Entries are taken off at the head, so the last one that is there is the last that there was. Where there is none,
  -- XINFO, which would answer two of them, answers none.
  if not id and redis.call('EXISTS', stream) == 1 then
    local info = redis.call('XINFO', 'STREAM', stream)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then id = info[i + 1] end
    end
  end
  return string.match(id or '0-0', '^(%d+)-(%d+)$')
end
