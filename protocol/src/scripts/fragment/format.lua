-- The format of a partition's data, a number, is in its hash of terms, which each script that writes has at hand. Data
-- that does not say its format has format 1.
--
-- Answers the refusal of a caller whose format, ARGV[1], is another; nil where it is the same. A script looks before
-- anything else. The caller makes a sentence of it (format.rs).
local function refusal(terms)
  local format = redis.call('HGET', terms, 'format') or '1'
  if format ~= ARGV[1] then return redis.error_reply('FORMAT ' .. format) end
  return nil
end

