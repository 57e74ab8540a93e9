-- changes: tells the changes of a partition in order, from a position in its feed on.
--
-- A position is an ID: all entries up to it are read. It is good as long as it can be seen that nothing
-- behind it is gone: its entry is there, or an entry with the very next ID. The first entry of a feed has
-- the position just before it. 0-0 is the position before whatever is there.
--
-- The call is bounded in what it tells and in what it looks at; it says how far it came.
--
-- An entry of a format other than the first says so in its first field.
--
-- KEYS[1] the partition's stream of changes
-- ARGV[1] the position
-- ARGV[2] the next ID
-- ARGV[3] what the ids must start with, may be empty
-- ARGV[4] most changes to tell
-- ARGV[5] most changes to look at
--
-- Reply: {<position reached>, <1 if there may be more, 0 if not>,
--         <ID>, <op>, <id>, <revision or ->, <ms at which the item ends or ->, …}; {} where the position
--        is not good (any more), or there is no feed

local stream, prefix = KEYS[1], ARGV[3]
local max_told, max_seen = tonumber(ARGV[4]), tonumber(ARGV[5])

local last = ARGV[1] == '0-0' and '+' or ARGV[2]
if #redis.call('XRANGE', stream, ARGV[1], last, 'COUNT', 1) == 0 then return {} end

local reply, told, seen = {ARGV[1], 1}, 0, 0
while told < max_told and seen < max_seen do
  local count = math.min(prefix == '' and max_told - told or 128, max_seen - seen)
  local entries = redis.call('XRANGE', stream, '(' .. reply[1], '+', 'COUNT', count)
  for _, entry in ipairs(entries) do
    local fields = entry[2]
    if fields[1] == 'format' then return redis.error_reply('FORMAT ' .. fields[2]) end
    if fields[8] and fields[2] ~= 'start' and string.sub(fields[4], 1, #prefix) == prefix then
      if told == max_told then return reply end
      told = told + 1
      local at = #reply
      reply[at + 1], reply[at + 2], reply[at + 3] = entry[1], fields[2], fields[4]
      reply[at + 4], reply[at + 5] = fields[6], fields[8]
    end
    reply[1] = entry[1]
  end
  seen = seen + #entries
  if #entries < count then
    reply[2] = 0
    break
  end
end
return reply
