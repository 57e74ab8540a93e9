-- The header block of the item at `key`, which has `longest` bytes at most, and the size of its value; nil where there
-- is nothing, and an empty one where there is no item but something else. Most header blocks are much shorter than they
-- may be.
local function header_block(key, longest)
  local usual = 384
  local start = redis.pcall('GETRANGE', key, 0, usual)
  if type(start) ~= 'string' then return '', 0 end
  if start == '' then return nil end
  local ends = string.find(start, '\n\n', 1, true)
  if not ends then
    start = redis.call('GETRANGE', key, 0, longest + 1)
    ends = string.find(start, '\n\n', 1, true)
    if not ends then return '', 0 end
  end
  return string.sub(start, 1, ends - 1), redis.call('STRLEN', key) - ends - 1
end
