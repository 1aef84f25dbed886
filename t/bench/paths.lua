-- SPDX-License-Identifier: ISC
-- paths.lua - wrk with one method over the paths of a file, one a line: each once more and more ("GET"), or each once and
-- then no more ("PUT" with a body of so many bytes).
-- Arguments behind "--": method, file of paths, bytes of the body (0: none).
local paths, at, method, body = {}, 0, "GET", nil

function init(args)
   method = args[1]
   for line in io.lines(args[2]) do paths[#paths + 1] = line end
   local size = tonumber(args[3] or "0")
   if size > 0 then
      body = string.rep("x", size)
      wrk.headers["Content-Type"] = "application/octet-stream"
   end
end

function request()
   at = at + 1
   if at > #paths then
      if body then wrk.thread:stop() end
      at = 1
   end
   return wrk.format(method, paths[at], nil, body)
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format('\nRESULT {"per_s": %.1f, "p50_ms": %.4f, "p99_ms": %.4f, "bad": %d, "calls": %d, "seconds": %.4f}\n',
      summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.status + errors.connect + errors.read + errors.write + errors.timeout, summary.requests, summary.duration / 1e6))
end
