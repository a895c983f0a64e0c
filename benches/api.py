"""/api/v1 of a fleet under load: requests a second, latency, and what memory does.

    python benches/api.py [--accounts 50] [--seconds 20] [--connections 16] [--looks 12]

The exporter watches a simulated AWS of so many accounts in five regions (benches/fleet.rs) and goes on with its
rounds while wrk asks as fast as it is answered: each kind of question alone, and then a mix of them, once more with pauses.
Questions are of as many clients as there are targets, each of one invocation id in one account and region; `known` is
what such a client asks who has the answer already (If-None-Match), `gzip` with Accept-Encoding for what is long. All
processes share the machine. Needs cargo and wrk.
"""

import argparse
import contextlib
import json
import os
import shlex
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
REGIONS = ["us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-northeast-1"]
KEYS = {"AWS_ACCESS_KEY_ID": "AKIASIMULATED", "AWS_SECRET_ACCESS_KEY": "simulated", "AWS_EC2_METADATA_DISABLED": "true"}
MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
# How many of a hundred questions of the mix.
MIX = {"one id": 60, "one id, known": 30, "one target's quotas": 4, "all targets": 5, "a model everywhere": 1}
GZIP = {"one target's quotas", "all targets", "a model everywhere"}
PATIENCE = 900
# Milliseconds between an answer and the next question of a connection: 16 of them then ask about 5,000 times a second.
PAUSE = 2

# Asks the lines of a file, over and over; those that begin with = only if there is a new answer, with ~ for gzip.
WRK = """
local asked, tags, next_one = {}, {}, 0
function init(arguments)
  for line in io.lines(arguments[1]) do asked[#asked + 1] = line end
  local pause = tonumber(arguments[2])
  if pause > 0 then delay = function() return pause end end
end
function request()
  next_one = next_one % #asked + 1
  local line = asked[next_one]
  if line:sub(1, 1) == "=" then
    return wrk.format("GET", line:sub(2), {["If-None-Match"] = tags.newest or '"none"'})
  elseif line:sub(1, 1) == "~" then
    return wrk.format("GET", line:sub(2), {["Accept-Encoding"] = "gzip"})
  end
  return wrk.format("GET", line)
end
function response(status, headers)
  tags.newest = headers["ETag"] or headers["etag"] or tags.newest
end
function done(summary, latency)
  local errors = summary.errors
  print(string.format('{"rate": %f, "p50": %f, "p99": %f, "bytes": %f, "failed": %d}', summary.requests * 1e6 / summary.duration,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, summary.bytes / summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


def built(build):
    """The simulated fleet and the exporter."""
    command = ["cargo", *shlex.split(build), "--bench", "fleet", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    made = (json.loads(line) for line in lines)
    found = {one["target"]["name"]: one["executable"] for one in made if one.get("executable")}
    return found["fleet"], found["bedrock-quota-exporter"]


@contextlib.contextmanager
def listening(command, marker, **how):
    """A process and the address that follows the marker on its standard error."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **how) as process:
        try:
            address = next(line.split(marker)[1].strip() for line in process.stderr if marker in line)
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield process, address
        finally:
            process.terminate()


def config(accounts, aws):
    roles = "".join(f"  - {{role_arn: 'arn:aws:iam::{n:012}:role/reader'}}\n" for n in range(accounts))
    return (f"regions: [{', '.join(REGIONS)}]\naccounts:\n{roles}quotas: {{export: in_use}}\n"
            f"aws: {{endpoint_url: 'http://{aws}', attempt_timeout: 1m, operation_timeout: 3m}}\n")  # fmt: skip


def items(url, name):
    with urllib.request.urlopen(f"{url}/api/v1/{name}", timeout=60) as answer:
        return json.load(answer)["items"]


def await_all(url, targets):
    """Until everything of every target was read."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(1)
        with contextlib.suppress(OSError):
            read = [t for t in items(url, "targets") if len(t["collectors"]) == 3 and all(c["up"] for c in t["collectors"].values())]
            if len(read) == targets:
                return
    raise TimeoutError(f"not all {targets} targets were read within {PATIENCE} s")


def questions(url):
    """What is asked, by its kind."""
    of_target = {}
    for model in items(url, "models"):
        of_target.setdefault((model["account_id"], model["region"]), []).append(model["model_id"])
    places = sorted(of_target)
    one_id = [
        "/api/v1/headroom?" + urlencode({"model_id": ids[n % len(ids)], "account": place[0], "region": place[1]})
        for n, place in enumerate(places)
        for ids in [sorted(of_target[place])]
    ]
    return {
        "one id": one_id,
        "one id, known": ["=" + question for question in one_id],
        "one target's quotas": ["/api/v1/quotas?" + urlencode({"account": a, "region": r}) for a, r in places[:10]],
        "all targets": ["/api/v1/targets"],
        "a model everywhere": ["/api/v1/headroom?" + urlencode({"model": MODEL})],
    }


def compressed(asked):
    return ["~" + question for question in asked]


def mixed(kinds):
    """So many of each as MIX says, in turns."""
    turns = [(kind, (n + 0.5) / share) for kind, share in MIX.items() for n in range(share)]
    order = [kind for kind, _ in sorted(turns, key=lambda turn: turn[1])] * 25
    left = {kind: 0 for kind in kinds}
    for kind in order:
        yield kinds[kind][left[kind] % len(kinds[kind])]
        left[kind] += 1


def ask(folder, url, asked, given, seconds, pause):
    Path(folder, "asked").write_text("\n".join(asked) + "\n")
    command = ["wrk", "-t1", f"-c{given.connections}", f"-d{seconds}s", "-s", str(Path(folder, "wrk.lua")), url, "--", str(Path(folder, "asked")), str(pause)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(told.splitlines()[-1])


def status(process, name):
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def seconds_of(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=20, help="of each kind of question; the mix goes on for three times as long")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--looks", type=int, default=0, help="so many looks at memory while the mixes go on, after --seconds each")
    parser.add_argument("--build", default="bench --no-run", help="how cargo builds what is measured; without optimization: build")
    given = parser.parse_args()
    fleet, binary = built(given.build)
    with tempfile.TemporaryDirectory() as folder, listening([fleet, "world", str(given.accounts)], "simulating on ") as (_, aws):
        Path(folder, "wrk.lua").write_text(WRK)
        Path(folder, "config.yaml").write_text(config(given.accounts, aws))
        command = [binary, "serve", "--web.listen-address=127.0.0.1:0", f"--config.file={folder}/config.yaml"]
        with listening(command, "msg=listening address=", env=os.environ | KEYS) as (exporter, address):
            url = f"http://{address}"
            await_all(url, given.accounts * len(REGIONS))
            kinds = questions(url)
            packed = {kind: compressed(asked) if kind in GZIP else asked for kind, asked in kinds.items()}
            kinds["a model everywhere, gzip"] = packed["a model everywhere"]
            kinds["the mix"] = kinds["the mix, with pauses"] = list(mixed(kinds))
            kinds["the mix, gzip"] = kinds["the mix, gzip, with pauses"] = list(mixed(packed))
            print(f"{given.accounts * len(REGIONS)} targets, {given.connections} connections")
            print(f"{'':<27}{'requests/s':>12}{'p50, ms':>10}{'p99, ms':>10}{'bytes':>12}{'failed':>8}{'cores':>8}{'MiB before':>12}{'after':>8}")
            for kind, asked in kinds.items():
                before, cpu = status(exporter, "VmRSS"), seconds_of(exporter)
                seconds = given.seconds * (3 if "mix" in kind else 1)
                told = ask(folder, url, asked, given, seconds, PAUSE if "pauses" in kind else 0)
                cores = (seconds_of(exporter) - cpu) / seconds
                print(f"{kind:<27}{told['rate']:>12,.0f}{told['p50']:>10.1f}{told['p99']:>10.1f}{told['bytes']:>12,.0f}{told['failed']:>8}"
                      f"{cores:>8.1f}{before:>12.0f}{status(exporter, 'VmRSS'):>8.0f}", flush=True)  # fmt: skip
            looks = []
            for _ in range(given.looks):
                ask(folder, url, kinds["the mix"] + kinds["the mix, gzip"], given, given.seconds, PAUSE)
                looks.append(f"{status(exporter, 'VmRSS'):.0f}")
            if looks:
                print(f"resident memory while the mixes go on, MiB: {', '.join(looks)}")
            print(f"highest resident memory: {status(exporter, 'VmHWM'):.0f} MiB")


if __name__ == "__main__":
    main()
