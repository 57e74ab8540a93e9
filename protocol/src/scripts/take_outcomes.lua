-- take_outcomes: takes the outcomes of writes that somebody waits for, as far as they are there.
--
-- KEYS  the lists on which they are told
--
-- Reply: for each the outcome, or '' where it is not there. (Not nil: some Spin 3 leaves it out.)

local reply = {}
for i, key in ipairs(KEYS) do
  local outcome = redis.pcall('LPOP', key)
  reply[i] = type(outcome) == 'string' and outcome or ''
end
return reply
