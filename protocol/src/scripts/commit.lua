-- commit: applies the head of a write channel, in order, and takes off what it applied.
--
-- Applying and taking off are one atomic step, hence exactly once; it always starts at the
-- head and nothing runs in between, hence in order. Any worker may call it for any partition
-- at any time.
--
-- It runs when Redis is out of memory too (allow-oom): what it stores was already counted
-- when it was accepted, and refusing it would keep both. Overload is refused by accept.lua.
--
-- An entry that can never be applied moves to the dead stream. An error that is not the
-- entry's fault ends the call: what was applied before it is taken off, the entry stays at
-- the head, and the reply carries the error. Applying an entry again is harmless: an item
-- that already has its revision is left as it is, whatever the entry's condition says.
--
-- KEYS[1]  the partition's stream of writes
-- KEYS[2]  its index
-- KEYS[3]  its expiry set
-- KEYS[4]  its dead stream
-- KEYS[5]  a key for the time of an addition; nothing is left there, so Redis refuses this while the partition moves
--          to another master
-- KEYS[6]  its stream of changes
-- KEYS[7]  its terms
-- KEYS[8]  its stream of records of writes that were not applied
-- ARGV[1]  the format that the caller knows
-- ARGV[2]  what the keys of its items start with
-- ARGV[3]  what the keys of the outcomes that somebody waits for start with
-- ARGV[4]  the stream of large entries
-- ARGV[5]  for how many ms longer than somebody waits for it to keep an outcome
-- ARGV[6]  most entries to take
-- ARGV[7]  stop after this many bytes
-- ARGV[8]  most bytes of an item that holds an integer
-- ARGV[9]  how many changes to keep, about; 0 for no feed of them
--
-- Reply: {<applied>, <rejected>, <dead>, <entries left>, <error or ''>, <bytes of the items taken, about>,
--         {{<ms from acceptance to now>, <for so many entries>}, ...},
--         {{<ID>, <traceparent or ''>, <outcome>}, ...}}, the last of the entries that are dead, or of a trace
--         that is recorded

local refused = refusal(KEYS[7])
if refused then return refused end

local stream, index, expiry, dead, scratch, rejections = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[8]
local item_prefix, outcome_prefix, large = ARGV[2], ARGV[3], ARGV[4]
local kept_after_wait = tonumber(ARGV[5])
local max_entries, max_bytes, max_counter = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local changes_kept = tonumber(ARGV[9])
local call, find = redis.call, string.find

-- Without it, what is applied would be applied again, above later ones.
need('XDEL', stream, '0-0')

local now = milliseconds()
local any_expiry = call('EXISTS', expiry) == 1
local feed = open_feed(KEYS[6], KEYS[7], changes_kept)

-- The item changes last, and that cannot fail: an entry that is tried again is judged as before. So the
-- feed, which cannot take back what it was told, is told when index and expiry set have shown that they
-- are what they should be.

-- Tells the feed of a change to an item that was at `current`: first that its time had run out, where
-- expire.lua has not come to it.
local function tell_change(op, id, current, revision, ends)
  if changes_kept == 0 or current == revision then return end
  local has_ended = any_expiry and call('ZSCORE', expiry, id) and not current
  if has_ended then
    need('XADD', feed.stream, '*', 'op', '')
    append_change(feed, 'expire', id, '-', '-')
  end
  if op then append_change(feed, op, id, revision, ends) end
end

local function forget(id)
  if any_expiry then call('ZREM', expiry, id) end
  call('DEL', item_prefix .. id)
end

local function remove(id, revision, current)
  need('DEL', item_prefix .. id)
  call('ZREM', index, id)
  tell_change(current and 'delete', id, current, revision, '-')
  forget(id)
end

-- When an entry was accepted. Its ID lies ahead of the clock where that has stepped back since: then it counts as
-- accepted now.
local function accepted_at(revision)
  return math.min(tonumber(string.match(revision, '^%d+')), now)
end

-- When an item that is stored now shall end, '-' for never: after the time to live of its entry,
-- or when the item ends that was there before.
local function ending(id, revision, ttl)
  if ttl == '-' then return '-' end
  if ttl == 'keep' then
    return string.match(call('GETRANGE', item_prefix .. id, 0, 63), '^%d+%-%d+ (%d+) ') or '-'
  end
  return string.format('%.0f', accepted_at(revision) + tonumber(ttl))
end

local function store(id, revision, current, ttl, content)
  local ends = ending(id, revision, ttl)
  need('SET', item_prefix .. id, '')
  need('DEL', item_prefix .. id)
  need('ZADD', expiry, 0, id)
  if any_expiry then need('ZREM', expiry, id) end
  if ends == '-' then
    call('ZADD', index, 0, id)
    tell_change('put', id, current, revision, '-')
    if any_expiry then call('ZREM', expiry, id) end
    call('SET', item_prefix .. id, revision .. ' - ' .. content)
    return
  end
  local is_over = tonumber(ends) <= now
  if is_over then
    need('XADD', KEYS[6], '*', 'op', '')
    call('ZREM', index, id)
    tell_change('put', id, current, revision, ends)
    if changes_kept > 0 then append_change(feed, 'expire', id, '-', '-') end
    forget(id)
  else
    call('ZADD', index, 0, id)
    tell_change('put', id, current, revision, ends)
    call('ZADD', expiry, ends, id)
    any_expiry = true
    call('SET', item_prefix .. id, revision .. ' ' .. ends .. ' ' .. content, 'PXAT', ends)
  end
end

-- The sum of two integers of 64 bits, as decimals; or nil and why there is none. A Lua number does
-- not hold them, so Redis adds; it also judges what an integer is, and overflow.
local function add(value, by)
  call('SET', scratch, value)
  local reply = redis.pcall('INCRBY', scratch, by)
  local sum = call('GET', scratch)
  call('DEL', scratch)
  if type(reply) == 'number' then return sum end
  if find(reply.err, 'overflow', 1, true) then return nil, 'overflow' end
  if find(reply.err, 'not an integer', 1, true) then return nil, 'no-integer' end
  error(reply)
end

-- Adds to the item, of which all but its value stays; one that is not there holds 0.
local function increment(id, revision, ttl, by, current)
  local content_head, value = 'text/plain', '0'
  if current then
    local stored = call('GETRANGE', item_prefix .. id, 0, max_counter)
    content_head, value = string.match(stored, '^%d+%-%d+ %S+ (.-)\n\n(.*)$')
    if not value then return 'rejected no-integer' end
  end
  if current == revision then return 'incremented ' .. value end
  local sum, flaw = add(value, by)
  if not sum then return 'rejected ' .. flaw end
  store(id, revision, current, ttl, content_head .. '\n\n' .. sum)
  return 'incremented ' .. sum
end

-- 15 digits are 30,000 years, which a Lua number and PXAT still hold.
local function is_milliseconds(text)
  return find(text, '^%d+$') and #text <= 15
end

-- Fields behind the fixed ones that an entry may have.
local optional = {['if-match'] = true, ['if-none-match'] = true, wait = true, idem = true, traceparent = true}
local no_more = {}

-- Answers the optional fields by name, or nil and why the entry can never be applied.
local function examine(f)
  if f[1] ~= 'op' or f[3] ~= 'id' then return nil, 'the entry does not start with op and id' end
  local from = 5
  if f[2] == 'put' or f[2] == 'increment' then
    if f[5] ~= 'ttl' or not (f[6] == '-' or f[6] == 'keep' or is_milliseconds(f[6])) then
      return nil, 'the ttl is neither milliseconds nor - nor keep'
    end
    if f[2] == 'put' and not (f[7] == 'item' and find(f[8], '\n\n', 1, true)) then
      return nil, 'the item has no header block'
    end
    if f[2] == 'increment' and not (f[7] == 'by' and find(f[8], '^-?%d+$')) then
      return nil, 'the by is no integer'
    end
    from = 9
  elseif f[2] ~= 'delete' and f[2] ~= 'barrier' then
    return nil, 'the op is none of put, increment, delete and barrier'
  end
  if #f < from then return no_more end
  local more = {}
  for i = from, #f, 2 do
    if not optional[f[i]] or more[f[i]] then return nil, 'a field is unknown or repeated' end
    more[f[i]] = f[i + 1]
  end
  if more.wait and not is_milliseconds(more.wait) then return nil, 'the wait is not milliseconds' end
  return more
end

-- Answers the outcome of an entry that examine found good.
local function apply(revision, f, more)
  local op, id = f[2], f[4]
  if op == 'barrier' then return 'passed' end
  local current = current_revision(item_prefix .. id)
  if current ~= revision and not holds(more['if-match'], more['if-none-match'], current) then
    return 'rejected ' .. (current or '-')
  end
  if op == 'delete' then
    remove(id, revision, current)
    return current and 'deleted' or 'absent'
  end
  if op == 'increment' then return increment(id, revision, f[6], f[8], current) end
  store(id, revision, current, f[6], f[8])
  return current and 'replaced' or 'created'
end

-- Writes down why an entry was not applied. It is there already where what follows failed before.
local function record(revision, f, outcome)
  local reply = redis.pcall('XADD', rejections, revision, 'outcome', outcome, 'id', f[3] == 'id' and f[4] or '')
  if type(reply) == 'table' and not find(reply.err, 'equal or smaller', 1, true) then error(reply) end
end

-- The letter comes after the record: it cannot be written twice, and the record can.
local function bury(revision, f, reason)
  local outcome = 'dead ' .. reason
  record(revision, f, outcome)
  -- Lua unpacks a few thousand values at most; no entry of ours has more than a dozen.
  call('XADD', dead, '*', 'revision', revision, 'reason', reason, unpack(f, 1, math.min(#f, 4000)))
  return outcome
end

-- What the key of an item may hold, as TYPE answers it.
local item_types = {string = true, none = true}

-- Leaves the outcome where one may be blocked on it (BLPOP), which takes it away; unless whoever
-- waited has given up. Nothing here must stop the channel, whatever a stranger put at that key.
local function tell(revision, wait, outcome)
  local left = accepted_at(revision) + wait + kept_after_wait - now
  if left <= 0 then return end
  redis.pcall('RPUSH', outcome_prefix .. revision, outcome)
  redis.pcall('PEXPIRE', outcome_prefix .. revision, left)
end

-- Whether this idempotency record is that of the write. It may be gone, made again by a later write, or something else
-- altogether.
local function is_of(idem, revision)
  need('APPEND', idem, '')
  local start = redis.pcall('GETRANGE', idem, 0, #revision)
  if type(start) == 'table' and not find(start.err, 'WRONGTYPE', 1, true) then error(start) end
  return start == revision .. ' '
end

-- Takes one entry to its end, and tells the outcome to those who asked for it. Answers it with its first word, and
-- the entry's traceparent.
local function settle(revision, f)
  local more, flaw = examine(f)
  local is_remembered = more and more.idem and is_of(more.idem, revision)
  local outcome
  if more then
    local ok, result = pcall(apply, revision, f, more)
    if ok then
      outcome = result
    elseif not item_types[call('TYPE', item_prefix .. f[4]).ok] then
      outcome = bury(revision, f, 'the key of the item holds something else')
    else
      error(result)
    end
  else
    outcome, more = bury(revision, f, flaw), no_more
  end

  local sort = string.match(outcome, '^%a+')
  if sort == 'rejected' then record(revision, f, outcome) end
  if is_remembered then call('APPEND', more.idem, ' ' .. outcome .. '\n') end
  if more.wait then tell(revision, tonumber(more.wait), outcome) end
  return outcome, sort, more.traceparent
end

local waiting = call('XLEN', stream)
local done, rejected, buried, bytes, failure = {}, 0, 0, 0, ''
local ages, told = {}, {}

-- Entries of one ms follow one another, so there are few ages.
local function note_age(revision)
  local age = math.max(0, now - string.match(revision, '^%d+'))
  local last = ages[#ages]
  if last and last[1] == age then last[2] = last[2] + 1 else ages[#ages + 1] = {age, 1} end
end

-- Takes one entry; answers whether the next may follow.
local function take(revision, fields)
  local ok, outcome, sort, trace = pcall(settle, revision, fields)
  if not ok then
    failure = type(outcome) == 'table' and outcome.err or tostring(outcome)
    return false
  end
  local is_dead, is_sampled = sort == 'dead', trace and find(trace, '[13579bdf]$')
  if sort == 'rejected' then rejected = rejected + 1 end
  if is_dead then buried = buried + 1 end
  if is_dead or is_sampled then told[#told + 1] = {revision, trace or '', outcome} end
  note_age(revision)
  done[#done + 1] = revision
  bytes = bytes + #(fields[8] or '')
  return bytes < max_bytes
end

-- Reads a few entries, then more at a time as far as their size allows. A large entry is read by itself, when it is
-- its turn: no value is read in vain.
local max_chunk = 16
local from, chunk = '-', 1
local next_large = large_entry('XRANGE', large, from, '+')
local any_large = next_large ~= nil
while #done < waiting and #done < max_entries do
  local before = next_large and '(' .. next_large or '+'
  local count = math.min(chunk, max_entries - #done)
  -- What was taken before is taken off, whatever fails now.
  local entries = redis.pcall('XRANGE', stream, from, before, 'COUNT', count)
  local is_end = #entries < count
  if #entries == 0 and next_large and not entries.err then
    entries, is_end = redis.pcall('XRANGE', stream, next_large, next_large), false
    from = '(' .. next_large
    next_large = large_entry('XRANGE', large, from, '+')
  end
  failure = entries.err or failure
  local goes_on = failure == ''
  for _, entry in ipairs(entries) do
    goes_on = take(entry[1], entry[2])
    if not goes_on then break end
  end
  if not goes_on or is_end and not next_large then break end
  if #entries > 0 then from = '(' .. entries[#entries][1] end
  local fitting = math.floor((max_bytes - bytes) / math.max(bytes / math.max(#done, 1), 1))
  chunk = math.max(1, math.min(chunk * 8, max_chunk, fitting))
end

local left = waiting
if #done > 0 then left = left - call('XDEL', stream, unpack(done)) end
if any_large and #done > 0 then
  redis.pcall('XTRIM', large, 'MINID', done[#done])
  redis.pcall('XDEL', large, done[#done])
end
return {#done - rejected - buried, rejected, buried, left, failure, bytes, ages, told}
