-- Prints wrk's summary as one line of JSON. `PAUSE` is the time before each request, in ms.
wrk.method = os.getenv("METHOD")
wrk.body = os.getenv("BODY")

local pause = tonumber(os.getenv("PAUSE"))
if pause > 0 then
    function delay() return pause end
end

-- With `IDS`, "first-last", each request asks for the next id of the range, in place of `{id}`.
local first, last = os.getenv("IDS"):match("(%d+)-(%d+)")
if first then
    local path, id = nil, math.floor(first)
    function request()
        path = path or wrk.path
        local here = path:gsub("{id}", id)
        id = id < tonumber(last) and id + 1 or math.floor(first)
        return wrk.format(wrk.method, here)
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\nreport {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d,'
            .. ' "broken": %d, "late": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect + errors.read + errors.write, errors.timeout
    ))
end
