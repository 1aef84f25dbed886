-- SPDX-License-Identifier: ISC
-- call.lua - what wrk sends again and again, and its results as one line of JSON.
-- Arguments behind "--": method, path, body, then header fields as "Name: value".
function init(args)
   wrk.method, wrk.path = args[1], args[2]
   wrk.body = args[3] ~= "" and args[3] or nil
   for i = 4, #args do
      local name, value = args[i]:match("^([^:]+): (.*)$")
      wrk.headers[name] = value
   end
   answer = wrk.format()
end

function request()
   return answer
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format('\nRESULT {"per_s": %.1f, "p50_ms": %.4f, "p99_ms": %.4f, "bad": %d, "calls": %d}\n',
      summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.status + errors.connect + errors.read + errors.write + errors.timeout, summary.requests))
end
