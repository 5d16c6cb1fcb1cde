"""wrk, Debian's load generator: requests as fast as they are answered, for some seconds."""

import json
import subprocess

from http_client import signed

LUA = r"""
local requests, at, threads = {}, 0, {}
counts = {}
for line in io.lines("%(requests)s") do requests[#requests + 1] = line:gsub("\1", "\r\n") end
function setup(thread) threads[#threads + 1] = thread end
function request()
  at = at + 1
  return requests[(at - 1) %% #requests + 1]
end
%(response)s
function done(summary, latency, all)
  local errors, told = summary.errors, {}
  for status, n in pairs(threads[1]:get("counts") or {}) do told[#told + 1] = string.format('"%%s":%%d', status, n) end
  io.write(string.format('RESULT {"seconds":%%f,"requests":%%d,"broken":%%d,"refused":%%d,"p99_ms":%%f,"answers":{%%s}}\n',
    summary.duration / 1e6, summary.requests, errors.connect + errors.read + errors.write + errors.timeout,
    errors.status, latency:percentile(99) / 1000, table.concat(told, ",")))
end
"""
COUNTING = "function response(status) local s = tostring(status) counts[s] = (counts[s] or 0) + 1 end"


def webhook_requests(secret, count):
    """Each with an id of its own; what happened is the same."""
    body = b'{"type":"slurm.job.ended","data":{"job_id":"918273","state":"COMPLETED"}}'
    for _ in range(count):
        yield "POST /hooks/generic HTTP/1.1", {**signed(secret, body), "Content-Length": len(body)}, body.decode()


def wrk(port, requests, folder, connections, seconds, count=True, patience_s=2):
    """`patience_s`: an answer that takes longer is counted as broken. Answers {"seconds", "requests", "broken" (connections), "refused" (not 2xx or 3xx), "p99_ms",
    "answers" {status: how many}}. `count` costs wrk time: without it `answers` is empty."""
    script, lines = folder / "load.lua", folder / "requests"
    with open(lines, "w") as out:
        for line, headers, body in requests:
            head = "\1".join([line, "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())])
            out.write(f"{head}\1\1{body}\n")
    script.write_text(LUA % {"requests": lines, "response": COUNTING if count else ""})
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={patience_s}s", "-s", script, f"http://127.0.0.1:{port}/"],
                          capture_output=True, text=True, timeout=seconds + 60)
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert found, f"wrk: {done.stdout}{done.stderr}"
    return json.loads(found[0].removeprefix("RESULT "))
