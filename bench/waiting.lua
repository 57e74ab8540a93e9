-- Each request writes another item and waits for it, for longer than the run takes.
local n = 0
request = function()
  n = n + 1
  local path = '/items/waiting/' .. os.getenv('BENCH_NAME') .. '/' .. n
  return wrk.format('PUT', path, {['Prefer'] = 'wait=60'}, 'x')
end
