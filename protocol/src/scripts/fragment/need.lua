-- What comes after the first change can fail for want of rights only, and must not fail there: a write would be on the
-- channel and its client told that it is not, or a change told twice. So the rights are asked for before.
local permitted = {}
local function need(command, ...)
  if permitted[command] == nil then permitted[command] = redis.acl_check_cmd(command, ...) end
  if not permitted[command] then error(redis.error_reply('NOPERM this user may not run ' .. command)) end
end
