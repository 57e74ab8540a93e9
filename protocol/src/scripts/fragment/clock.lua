-- The clock of Redis in ms. A script asks it once, so that it works with one moment.
local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

