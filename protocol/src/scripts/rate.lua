-- rate: takes one request from what a token may send (the generic cell rate algorithm).
--
-- All it keeps is the moment at which the whole burst will be there again. A request moves that moment
-- on by the time that one request takes at the rate; if it then lies further ahead than the whole burst
-- takes, the request is one too many and nothing changes.
--
-- KEYS[1] that moment, in microseconds
-- ARGV[1] requests in a second
-- ARGV[2] requests at once
--
-- Reply: {<1 if it may, 0 if it is one too many>, <requests left at once>, <ms until it may, 0 if it
--        may now>, <ms until all are there again>}

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local each, burst = 1000000 / tonumber(ARGV[1]), tonumber(ARGV[2])

local function milliseconds_until(moment) return math.ceil(math.max(moment - now, 0) / 1000) end

local function keep(moment)
  redis.call('SET', KEYS[1], string.format('%.0f', moment), 'PX', math.max(milliseconds_until(moment), 1))
end

-- A moment further ahead than the whole burst takes comes from a clock that has stepped back since, or a limit that has
-- changed: then nothing is left of the burst, and no less.
local full, furthest = math.max(tonumber(redis.call('GET', KEYS[1])) or 0, now), now + each * burst
if full > furthest then
  full = furthest
  keep(full)
end
local after = full + each
local allowed_from = after - each * burst
if allowed_from > now then return {0, 0, milliseconds_until(allowed_from), milliseconds_until(full)} end
keep(after)
return {1, math.floor((now - allowed_from) / each), 0, milliseconds_until(after)}
