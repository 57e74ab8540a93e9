-- What wrk asks, and what it tells afterwards as one line of JSON.
--
-- Arguments: how many numbers `{n}` takes, up to which number, the mean pause before a request in ms; then for each
-- kind of request: how many of all are of it, its method, its path, and a file with its headers, an empty line and
-- its body.

local prepared, next_one = {}, 0

local function read(path)
  local file = assert(io.open(path, 'rb'))
  local text = file:read('*a')
  file:close()
  local head, body = text:match('^(.-)\n\n(.*)$')
  local headers = {}
  for name, content in head:gmatch('([^:\n]+): ([^\n]*)') do headers[name] = content end
  return headers, body
end

-- Makes all requests before the first is sent, so that wrk takes as little of the machine as it can.
function init(args)
  local count, most, pause = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
  local kinds = {}
  for at = 4, #args, 4 do
    local headers, body = read(args[at + 3])
    local kind = {method = args[at + 1], path = args[at + 2], headers = headers, body = body}
    for _ = 1, tonumber(args[at]) do kinds[#kinds + 1] = kind end
  end
  for n = 0, count - 1 do
    local kind = kinds[n % #kinds + 1]
    local digits = string.format('%012d', math.floor(n * most / count))
    local path = kind.path:gsub('{n}', digits)
    local body = kind.body:gsub('{n}', digits)
    prepared[n + 1] = wrk.format(kind.method, path, kind.headers, #body > 0 and body or nil)
  end
  if pause > 0 then
    delay = function() return math.floor(pause * (0.5 + math.random())) end
  end
end

function request()
  next_one = next_one % #prepared + 1
  return prepared[next_one]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '{"seconds":%.6f,"requests":%d,"bytes":%d,"refused":%d,"failed":%d,"p50_ms":%.4f,"p99_ms":%.4f,"p999_ms":%.4f}\n',
    summary.duration / 1e6, summary.requests, summary.bytes, errors.status, failed,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3))
end
