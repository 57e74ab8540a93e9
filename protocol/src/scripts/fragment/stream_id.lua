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

