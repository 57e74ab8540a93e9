#!lua flags=allow-oom
-- commit: applies the head of a write channel, in order, and takes off what it applied.
--
-- Applying and taking off are one atomic step, hence exactly once; it always starts at the
-- head and nothing runs in between, hence in order. Any worker may call it for any partition
-- at any time.
--
-- It may run out of memory's reach (allow-oom): what it stores was already counted when it
-- was accepted, and refusing it would keep both. Overload is refused by accept.lua.
--
-- An entry that can never be applied moves to the dead stream. An error that is not the
-- entry's fault ends the call: what was applied before it is taken off, the entry stays at
-- the head, and the reply carries the error. Applying an entry twice is harmless, so it does
-- not matter how far the failed one came.
--
-- KEYS[1] the partition's stream of writes
-- KEYS[2] its index
-- KEYS[3] its expiry set
-- KEYS[4] its dead stream
-- ARGV[1] what the keys of its items start with
-- ARGV[2] most entries to take
-- ARGV[3] stop after this many bytes
--
-- Reply: {<applied>, <dead>, <entries left>, <error or ''>}

local stream, index, expiry, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, max_entries, max_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local call, find, format = redis.call, string.find, string.format

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local any_expiry = call('EXISTS', expiry) == 1

local function delete(id)
  call('DEL', prefix .. id)
  call('ZREM', index, id)
  if any_expiry then call('ZREM', expiry, id) end
end

local function put(id, revision, ttl, content)
  if ttl == '-' then
    call('SET', prefix .. id, revision .. ' - ' .. content)
    if any_expiry then call('ZREM', expiry, id) end
  else
    local ends = tonumber(string.match(revision, '^%d+')) + tonumber(ttl)
    if ends <= now then return delete(id) end
    ends = format('%.0f', ends)
    call('SET', prefix .. id, revision .. ' ' .. ends .. ' ' .. content, 'PXAT', ends)
    call('ZADD', expiry, ends, id)
    any_expiry = true
  end
  call('ZADD', index, 0, id)
end

-- Answers why the entry can never be applied, or nil when it was applied.
local function apply(revision, f)
  if f[1] ~= 'op' or f[3] ~= 'id' then return 'the entry does not start with op and id' end
  if f[2] == 'delete' then
    delete(f[4])
  elseif f[2] ~= 'put' then
    return 'the op is neither put nor delete'
  elseif f[5] ~= 'ttl' or not (f[6] == '-' or find(f[6], '^%d+$')) then
    return 'the ttl is neither milliseconds nor -'
  elseif f[7] ~= 'item' or not find(f[8], '\n\n', 1, true) then
    return 'the item has no header block'
  else
    put(f[4], revision, f[6], f[8])
  end
end

local function bury(revision, f, reason)
  -- Lua unpacks a few thousand values at most; no entry of ours has more than a dozen.
  call('XADD', dead, '*', 'revision', revision, 'reason', reason, unpack(f, 1, math.min(#f, 4000)))
end

local done, buried, bytes, failure = {}, 0, 0, ''

-- Reads a few entries, then more at a time as far as their size allows.
local from, chunk = '-', 1
while #done < max_entries and bytes < max_bytes do
  local entries = call('XRANGE', stream, from, '+', 'COUNT', math.min(chunk, max_entries - #done))
  for _, entry in ipairs(entries) do
    local revision, fields = entry[1], entry[2]
    local ok, reason = pcall(apply, revision, fields)
    if ok and reason then
      ok, reason = pcall(bury, revision, fields, reason)
      buried = buried + (ok and 1 or 0)
    end
    if not ok then
      failure = type(reason) == 'table' and reason.err or tostring(reason)
      break
    end
    done[#done + 1] = revision
    bytes = bytes + #(fields[8] or '')
  end
  if failure ~= '' or #entries < chunk then break end
  from = '(' .. done[#done]
  local fitting = math.floor((max_bytes - bytes) / math.max(bytes / #done, 1))
  chunk = math.max(1, math.min(chunk * 8, fitting))
end

if #done > 0 then call('XDEL', stream, unpack(done)) end
return {#done - buried, buried, call('XLEN', stream), failure}
