-- list: tells the ids of a partition in byte order, from a position on.
--
-- Ids that share a prefix up to a delimiter can be told as one group. A group is skipped in one
-- step, however many ids it has. An id whose item has expired is not told, though the index may
-- have it until a worker takes it off.
--
-- The call is bounded in what it tells and in what it looks at. A position says how far it came:
-- all ids up to it are told. No id has the byte 255, so a group ends at that byte.
--
-- KEYS[1] the partition's index
-- KEYS[2] its expiry set
-- KEYS[3] a key that never exists: so Redis refuses this while the partition moves to another master
-- KEYS[4] its terms
-- ARGV[1] the format that the caller knows
-- ARGV[2] what the keys of its items start with
-- ARGV[3] what the ids must start with, may be empty
-- ARGV[4] the position after which to start, empty for the beginning
-- ARGV[5] the delimiter that ends a group, empty for no groups
-- ARGV[6] most ids and groups to tell
-- ARGV[7] most ids among them
-- ARGV[8] most items to look at
-- ARGV[9] 1 to tell the items' header blocks too, 0 if not
-- ARGV[10] the longest that a header block is, in bytes
--
-- Reply: {<position, '' at the end>, <lines>, <head>, <size>, …}. A line is 'i' and an id or 'g' and
--        a group. If asked for, the header block and the size of the value follow for each id.

local refused = refusal(KEYS[4])
if refused then return refused end

local index, expiry = KEYS[1], KEYS[2]
local item_prefix, prefix, after, delimiter = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local max_told, max_ids, max_seen = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local heads, longest_head = ARGV[9] == '1', tonumber(ARGV[10])
local sub = string.sub

local any_due = #redis.call('ZRANGE', expiry, '-inf', milliseconds(), 'BYSCORE', 'LIMIT', 0, 1) > 0
local first = prefix == '' and '-' or '[' .. prefix
local last = prefix == '' and '+' or '(' .. prefix .. '\255'

local reply, lines, ids = {'', ''}, {}, 0

-- The header block of the item and the size of its value; nil where there is no item.
local function examine(id)
  local key = item_prefix .. id
  if not heads then return not any_due or redis.call('EXISTS', key) == 1 end
  return header_block(key, longest_head)
end

local function group_of(id)
  if delimiter == '' then return nil end
  local _, ends = string.find(id, delimiter, #prefix + 1, true)
  return ends and sub(id, 1, ends)
end

local position, seen, group = after, 0, nil

-- Whether the id is in the group that was told last.
local function inside(id)
  return group and sub(id, 1, #group) == group
end

-- Tells one id, or the group it is in; answers whether there was room for it.
local function tell(id)
  local head, size = examine(id)
  if not head then return true end
  if #lines == max_told then return false end
  group = group_of(id)
  if group then
    lines[#lines + 1] = 'g' .. group
    return true
  end
  if ids == max_ids then return false end
  ids = ids + 1
  lines[#lines + 1] = 'i' .. id
  if heads then
    reply[#reply + 1] = head
    reply[#reply + 1] = size
  end
  return true
end

local function walk()
  -- Where there may be groups, what was read behind the start of one was read in vain. So it reads
  -- one id after a group, and more at a time as long as there is none.
  local fitting = delimiter == '' and max_ids + 1 or 1
  while true do
    local from = position == '' and first or '(' .. position
    -- One more than there is room for shows whether that was all.
    local count = math.min(fitting, math.min(max_ids - ids, max_told - #lines) + 1)
    local chunk = redis.call('ZRANGE', index, from, last, 'BYLEX', 'LIMIT', 0, count)
    for _, id in ipairs(chunk) do
      if not inside(id) then
        if seen == max_seen or not tell(id) then return position end
        seen = seen + 1
        position = inside(id) and group .. '\255' or id
      end
    end
    if #chunk < count then return '' end
    fitting = inside(chunk[#chunk]) and 1 or fitting * 4
  end
end

reply[1] = walk()
reply[2] = table.concat(lines, '\n')
return reply
