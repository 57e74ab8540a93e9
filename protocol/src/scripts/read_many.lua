-- read_many: reads items of a partition, as far as there is room.
--
-- KEYS    the items
-- ARGV[1] how many bytes there is room for; the first item that exists has room whatever its size
--
-- Reply: for each the item, 0 where there is none, or -1 where there was no room for it. (Not nil:
--        some Spin 3 leaves it out.) What is no string is answered as an empty one.

local room, any = tonumber(ARGV[1]), false
local reply = {}
for i, key in ipairs(KEYS) do
  local size = redis.pcall('STRLEN', key)
  if type(size) ~= 'number' then
    reply[i] = ''
  elseif size == 0 then
    reply[i] = 0
  elseif any and size > room then
    reply[i] = -1
  else
    reply[i] = redis.call('GET', key)
    any, room = true, room - size
  end
end
return reply
