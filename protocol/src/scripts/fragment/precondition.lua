-- The revision of the item at `key`, nil where there is none. It raises WRONGTYPE where the key
-- holds no string, and answers '-', which no client can name, where the string is not an item.
local function current_revision(key)
  -- Two 64-bit numbers, a dash and a space; the value behind them may be large.
  local head = redis.call('GETRANGE', key, 0, 41)
  if head == '' then return nil end
  return string.match(head, '^(%d+%-%d+) ') or '-'
end

-- Whether `states`, revisions with spaces between them or *, name the current one.
local function named(states, current)
  if not current then return false end
  return states == '*' or string.find(' ' .. states .. ' ', ' ' .. current .. ' ', 1, true) ~= nil
end

-- Whether the condition of a write holds; either part may be nil (RFC 9110 §13.2.2).
local function holds(if_match, if_none_match, current)
  if if_match and not named(if_match, current) then return false end
  return not (if_none_match and named(if_none_match, current))
end

