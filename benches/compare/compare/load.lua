-- Arguments: method, body, content type, functions. With 0 functions the path is asked as it is, else each of them in turn:
-- the path with a number after it.
init = function(arguments)
  wrk.method = arguments[1]
  if arguments[2] ~= "" then
    wrk.body = arguments[2]
    wrk.headers["content-type"] = arguments[3]
  end
  local functions = tonumber(arguments[4])
  if functions == 0 then
    return
  end
  local requests, turn = {}, 0
  for index = 0, functions - 1 do
    requests[index] = wrk.format(nil, wrk.path .. index)
  end
  request = function()
    turn = (turn + 1) % functions
    return requests[turn]
  end
end

done = function(summary, latency, _)
  local failed = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed.status,
    failed.connect + failed.read + failed.write + failed.timeout))
end
