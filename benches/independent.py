"""Usage, peaks, ratios, refusals and counters on CloudWatch servers that nobody here wrote, against sums made here.

    PATH=$PATH:VENV/bin python benches/independent.py EXPORTER [--servers ministack,localstack] [--minutes 22] [--seed 1]

It needs boto3, and of each server its command in the PATH, LocalStack (Python 3.13) from a virtual environment of its own:

    pip install ministack
    pip install 'localstack-core[runtime]' 'cbor2<6' 'pyopenssl<26' service_identity

Each server is fed in real time, irregularly: minutes that come up to a quarter of an hour late, values that grow in
steps, metrics that are first put later than others, estimates that are missing, ids that only fail, that are new, that
wake; an outage and its flood; calls of all ids together. What the servers lack (rows of Bedrock in Service Quotas, its
lists, roles) is EXPORTER's own simulated AWS. EXPORTER reads each server by fixed and by adaptive cadence, and is scraped
at the end of every minute.

newest: the sum over what was put by then of the newest settled minute; older: of an older minute, or what was put
earlier; between: before and after what was put while it was read; wrong: none of these; absent: no value, though
something was put. In the end, once everything was put and has settled, counters and days must be the newest.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

try:
    import boto3
    from botocore.config import Config
except ImportError:
    sys.exit("missing: boto3; pip install boto3")

# Command, how it is installed, what tells it where to listen; which series it does not keep apart from others, so that
# they are not put: ministack adds up all series where it is asked for the one without dimensions, LocalStack those with
# further dimensions than it is asked for; and regions it is too slow for: LocalStack looks through all that was put for
# every minute of every series.
SERVERS = {
    "ministack": (
        "ministack",
        "pip install ministack",
        {"GATEWAY_PORT": "{port}", "BIND_HOST": "127.0.0.1"},
        "all",
        [],
    ),
    "localstack": (
        "localstack-supervisor",
        "pip install 'localstack-core[runtime]' 'cbor2<6' 'pyopenssl<26' service_identity",
        {"GATEWAY_LISTEN": "127.0.0.1:{port}", "DNS_ADDRESS": "0", "DISABLE_EVENTS": "1", "TMPDIR": "{folder}"},
        "tiers",
        ["us-east-1"],
    ),
}
PAST = 45             # minutes put before the exporter comes
AFTER = 9             # minutes until everything has settled and been read
ESTIMATE_WAIT = 30    # minutes for which a counter waits for the estimate of an id that has one
OUTAGE, OUTAGE_REGION = (8, 14), "us-west-2"  # minutes in which nothing is put there
COUNTED_FROM = -2     # two minutes before the exporter came: usage.delay
CALLS, REFUSED, CLIENT, SERVER = "Invocations", "InvocationThrottles", "InvocationClientErrors", "InvocationServerErrors"
INPUT, OUTPUT, WRITE, ESTIMATE = "InputTokenCount", "OutputTokenCount", "CacheWriteInputTokenCount", "EstimatedTPMQuotaUsage"
COUNTERS = {
    "bedrock_invocations_total": CALLS,
    "bedrock_invocation_throttles_total": REFUSED,
    "bedrock_invocation_client_errors_total": CLIENT,
    "bedrock_invocation_server_errors_total": SERVER,
    "bedrock_input_tokens_total": INPUT,
    "bedrock_output_tokens_total": OUTPUT,
    "bedrock_cache_write_tokens_total": WRITE,
    "bedrock_estimated_quota_tokens_total": ESTIMATE,
}
# How many minutes the newest minute of a number lies before the one in which it is read.
NEWEST = {"requests": 5, "tokens": 5, "day": 5, "charged": 5, "counted": 3, "refused": 3}

# What quotas call a model, and what an output token of it costs.
SONNET = ("anthropic.claude-sonnet-4-5-20250929-v1:0", "Anthropic Claude Sonnet 4.5 V1", 5)
HAIKU = ("anthropic.claude-haiku-4-5-20251001-v1:0", "Anthropic Claude Haiku 4.5", 5)
DEEPSEEK = ("deepseek.r1-v1:0", "DeepSeek R1 V1", 1)
NOVA_PRO = ("amazon.nova-pro-v1:0", "Amazon Nova Pro", 1)
NOVA_LITE = ("amazon.nova-lite-v1:0", "Amazon Nova Lite", 1)
QWEN = ("qwen.qwen3-32b-v1:0", "Qwen3 32B V1", 1)
NOBODY = ("unknown", None, 5)
WORDS = {"cross_region": "Cross-region", "on_demand": "On-demand"}
ACCOUNTS = {"000000000000": ["us-east-1", "us-west-2"], "000000000001": ["ap-northeast-1"]}


class Id(NamedTuple):
    region: str
    name: str
    model: tuple
    scope: str
    kind: str


IDS = [
    Id("us-east-1", "us." + SONNET[0], SONNET, "cross_region", "refused"),
    Id("us-east-1", "us." + HAIKU[0], HAIKU, "cross_region", "steady"),
    Id("us-east-1", "srch7f3k2m9q", HAIKU, "cross_region", "late"),
    Id("us-east-1", "supp4d8w1x6z", HAIKU, "cross_region", "bursts"),
    Id("us-east-1", "us." + DEEPSEEK[0], DEEPSEEK, "cross_region", "fails"),
    Id("us-east-1", "us." + NOVA_PRO[0], NOVA_PRO, "cross_region", "new"),
    Id("us-east-1", NOVA_PRO[0], NOVA_PRO, "on_demand", "wakes"),
    Id("us-east-1", "gone5t2r8y4u", NOBODY, "unknown", "steady"),
    Id("us-west-2", "us." + SONNET[0], SONNET, "cross_region", "steady"),
    Id("us-west-2", "us." + HAIKU[0], HAIKU, "cross_region", "refused"),
    Id("us-west-2", "us." + DEEPSEEK[0], DEEPSEEK, "cross_region", "bursts"),
    Id("ap-northeast-1", NOVA_LITE[0], NOVA_LITE, "on_demand", "bursts"),
    Id("ap-northeast-1", "apac." + NOVA_LITE[0], NOVA_LITE, "cross_region", "steady"),
    Id("ap-northeast-1", QWEN[0], QWEN, "on_demand", "refused"),
]


class Feed:
    """What is put. Minute 0 is the one in which the exporter comes, tick n the beginning of minute n."""

    def __init__(self, seed, minutes):
        self.rng, self.minutes = random.Random(seed), minutes
        self.put = defaultdict(dict)  # (region, id or None for all, metric) → minute → [(tick, how much by then)]
        for one in IDS:
            for minute in range(-PAST, minutes):
                for metric, value in self.minute(one, minute).items():
                    self.publish((one.region, one.name, metric), minute, value, one.kind)
        for metric in (CALLS, REFUSED):
            for minute in range(-PAST, minutes):
                names = [one.name for one in IDS if one.region == OUTAGE_REGION]
                total = sum(self.known(OUTAGE_REGION, name, metric, minute, minutes) or 0 for name in names)
                if total:
                    self.publish((OUTAGE_REGION, None, metric), minute, total, "all")

    def minute(self, one, minute):
        rng = self.rng
        if one.kind == "fails":
            return {rng.choice((CLIENT, SERVER, REFUSED)): rng.randint(1, 90)}
        asleep = one.kind == "new" and minute < 6 or one.kind == "wakes" and -40 < minute < 9
        if asleep or one.kind == "bursts" and rng.random() < 0.5:
            return {}
        calls = rng.randint(1, 4999)
        values = {CALLS: calls, INPUT: calls * rng.randint(20, 300), OUTPUT: calls * rng.randint(2, 40)}
        if one.kind == "refused":
            values[WRITE] = calls * rng.randint(1, 50)
            if minute % 11 < 4:
                values[REFUSED] = rng.randint(1, 4000)
                if rng.random() < 0.3:
                    values = {REFUSED: values[REFUSED]}
        if rng.random() < 0.2:
            values[rng.choice((CLIENT, SERVER))] = rng.randint(1, 30)
        if CALLS in values and one.kind != "bursts" and rng.random() < 0.93:
            # Other than what the tokens come to, so that it shows which of the two was taken.
            values[ESTIMATE] = values[INPUT] + values.get(WRITE, 0) + one.model[2] * values[OUTPUT] + rng.randint(1, 9999)
        return values

    def publish(self, series, minute, value, kind):
        """Half of all minutes come by the tick at their end, in a fifth of the cases in two steps."""
        rng = self.rng
        delays = (0, 1, 2, rng.randint(3, 5), rng.randint(6, 14))
        at = minute + 1 + rng.choices(delays, (50, 25, 14, 8, 3))[0]
        if kind == "late" and series[2] == ESTIMATE:
            at = max(at, 14)
        ticks = [at] if value < 3 or rng.random() < 0.8 else [at, at + rng.randint(1, 2)]
        steps = [value] if len(ticks) == 1 else [rng.randint(1, value - 1), value]
        if series[0] == OUTAGE_REGION:
            ticks = [OUTAGE[1] if OUTAGE[0] <= tick < OUTAGE[1] else tick for tick in ticks]
        ticks = [0 if minute < -10 else max(0, min(tick, self.minutes + 1)) for tick in ticks]
        self.put[series][minute] = list(zip(ticks, steps))

    def known(self, region, name, metric, minute, tick):
        """What was put of a minute by a tick; None: nothing."""
        known = self.put.get((region, name, metric), {}).get(minute, ())
        return max((value for at, value in known if at <= tick), default=None)

    def due(self, tick):
        for series, minutes in self.put.items():
            for minute, known in minutes.items():
                for (at, value), before in zip(known, [0] + [value for _, value in known]):
                    if at == tick:
                        yield series, minute, value - before


def sums(feed, quotas, minute0):
    """Of each number that is published: family, labels, kind, and its sum at a newest minute by what was put by a tick."""
    known = cache(feed.known)

    def total(ids, metrics, minutes, tick):
        return sum(known(i.region, i.name, metric, m, tick) or 0 for m in minutes for i in ids for metric in metrics)

    def charge(one, minute, tick):
        estimate = known(one.region, one.name, ESTIMATE, minute, tick)
        tokens = total([one], (INPUT, WRITE), [minute], tick) + one.model[2] * total([one], [OUTPUT], [minute], tick)
        return tokens if estimate is None else estimate

    def usage(kind, ids):
        if kind == "requests":
            return lambda minute, tick: total(ids, [CALLS], [minute], tick)
        if kind == "tokens":
            return lambda minute, tick: sum(charge(one, minute, tick) for one in ids)
        weights = [(one, 0.5 if one.scope == "cross_region" else 1) for one in ids]
        today = lambda minute: range(max(-PAST, minute - (minute0 + minute) % 1440), minute + 1)  # noqa: E731
        return lambda minute, tick: sum(w * charge(one, m, tick) for m in today(minute) for one, w in weights)

    def charged(one, minute, tick):
        has_estimates = any(known(one.region, one.name, ESTIMATE, m, tick) for m in range(-PAST, minute + 1))
        waits = range(minute + 1 - ESTIMATE_WAIT, minute + 1) if has_estimates else ()
        is_counted = lambda m: m not in waits or known(one.region, one.name, ESTIMATE, m, tick) is not None  # noqa: E731
        return sum(charge(one, m, tick) for m in range(COUNTED_FROM, minute + 1) if is_counted(m))

    def window(ids, minutes):
        last = lambda minute: range(minute + 1 - minutes, minute + 1)  # noqa: E731
        attempts = lambda minute, tick: total(ids, (CALLS, REFUSED), last(minute), tick)  # noqa: E731
        refused = lambda minute, tick: total(ids, [REFUSED], last(minute), tick)  # noqa: E731
        return attempts, lambda minute, tick: refused(minute, tick) / (attempts(minute, tick) or 1)

    def seconds(ids):
        def refused(minute, tick):
            minutes = [m for m in range(minute - 15, tick) if total(ids, [REFUSED], [m], tick)]
            last = max([minute] + minutes)
            return 60 * sum(last - 15 < m for m in minutes)
        return refused

    spent, pools = defaultdict(list), defaultdict(list)
    for one in IDS:
        labels = {"region": one.region, "model_id": one.name}
        for family, metric in COUNTERS.items():
            if (one.region, one.name, metric) in feed.put:
                yield family, labels, "counted", lambda minute, tick, i=one, metric=metric: total(
                    [i], [metric], range(COUNTED_FROM, minute + 1), tick)
        alone = {"model_id": one.name} if one.model is NOBODY else {}
        pools[tuple({"region": one.region, "model": one.model[0], "scope": one.scope, **alone}.items())].append(one)
        called = one.model[1]
        scope = WORDS.get(one.scope)
        names = {
            "requests": f"{scope} model inference requests per minute for {called}",
            "tokens": f"{scope} model inference tokens per minute for {called}",
            "day": f"Model invocation max tokens per day for {called} (doubled for cross-region calls)",
        }
        for kind, name in names.items():
            if name in quotas[one.region]:
                spent[one.region, name, kind].append(one)
    for (region, name, kind), ids in spent.items():
        code, limit = quotas[region][name]
        labels, used = {"region": region, "quota_code": code}, usage(kind, ids)
        peak = used if kind == "day" else lambda minute, tick, used=used: max(used(minute - n, tick) for n in range(15))
        for what, units in (("", used), ("_peak", peak)):
            yield f"bedrock_quota_usage{what}", labels, kind, units
            ratio = lambda minute, tick, units=units, limit=limit: units(minute, tick) / limit  # noqa: E731
            yield f"bedrock_quota_utilization{what}_ratio", labels, kind, ratio
        for one in ids if kind == "tokens" else ():
            counter = lambda minute, tick, one=one: charged(one, minute, tick)  # noqa: E731
            yield "bedrock_quota_tokens_total", {**labels, "model_id": one.name}, "charged", counter
    for labels, ids in pools.items():
        for word, minutes in (("5m", 5), ("30m", 30)):
            attempts, ratio = window(ids, minutes)
            yield "bedrock_attempts", {**dict(labels), "window": word}, "refused", attempts
            yield "bedrock_throttle_ratio", {**dict(labels), "window": word}, "refused", ratio
        yield "bedrock_throttled_seconds", {**dict(labels), "window": "15m"}, "refused", seconds(ids)


def verdict(value, kind, of, now):
    """What a published value is, and how many minutes behind."""
    def same(minute, tick):
        expected = of(minute, tick)
        return abs(value - expected) <= 1e-9 * max(1.0, abs(expected))

    reads = [(now - behind - NEWEST[kind], tick) for behind in (0, 1) for tick in (now - behind, now - behind - 1)]
    if any(same(*read) for read in reads):
        return "newest", 0
    for behind in range(40):
        if any(same(now - NEWEST[kind] - behind, now - earlier) for earlier in range(behind + 2)):
            return "older", behind
    is_between = any(sorted((of(*one), value, of(*other)))[1] == value for one, other in zip(reads[::2], reads[1::2]))
    return ("between" if is_between else "wrong"), 0


def client(service, url, region, account="000000000000"):
    keys = {"aws_access_key_id": f"AKIA{account}SIMU", "aws_secret_access_key": "none"}
    return boto3.client(service, region_name=region, endpoint_url=url, config=Config(read_timeout=120), **keys)


def put(feed, tick, server, url, minute0):
    """When it was done."""
    *_, without, slow = SERVERS[server]
    regions = defaultdict(list)
    for (region, name, metric), minute, value in feed.due(tick):
        if region in slow or name is None and without == "all":
            continue
        model = [{"Name": "ModelId", "Value": name}] if name else []
        datum = {"MetricName": metric, "Dimensions": model, "Timestamp": 60 * (minute0 + minute), "Value": value}
        regions[region].append(datum)
        if name and metric == CALLS and without != "tiers":
            tiers = [{"Name": tier, "Value": "default"} for tier in ("ServiceTier", "ResolvedServiceTier")]
            regions[region].append({**datum, "Dimensions": model + tiers})
    for region, data in regions.items():
        cloudwatch = client("cloudwatch", url, region)
        for at in range(0, len(data), 150):
            cloudwatch.put_metric_data(Namespace="AWS/Bedrock", MetricData=data[at:at + 150])
    return time.time()


def quotas_of(sim):
    """By region and name, code and limit."""
    found = {}
    for account, region in ((account, region) for account, regions in ACCOUNTS.items() for region in regions):
        quotas, rows = client("service-quotas", sim, region, account), {}
        for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
            for page in quotas.get_paginator(operation).paginate(ServiceCode="bedrock"):
                rows |= {row["QuotaName"]: (row["QuotaCode"], row["Value"]) for row in page["Quotas"] if "Value" in row}
        found[region] = rows
    return found


def scrape(url):
    text = urllib.request.urlopen(url, timeout=30).read().decode()
    families = defaultdict(list)
    for family, labels, value in re.findall(r"^(\w+)\{(.*)\} (\S+)$", text, re.MULTILINE):
        families[family].append((dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)))
    return families


class Record:
    def __init__(self):
        self.tallies, self.behind, self.odd = Counter(), defaultdict(list), []

    def compare(self, run, families, numbers, tick, is_last):
        for family, labels, kind, of in numbers:
            pooled = "model" in labels and "model_id" not in labels
            have = [(found, value) for found, value in families[family] if labels.items() <= found.items()]
            values = [value for found, value in have if not (pooled and "model_id" in found)]
            newest = of(tick - NEWEST[kind], tick)
            if labels["region"] in SERVERS[run[0]][-1] or not values and not newest:
                continue
            what, behind = verdict(values[0], kind, of, tick) if values else ("absent", 0)
            if is_last and kind in ("counted", "charged", "day"):
                what = "newest" if values and abs(values[0] - newest) <= 1e-9 * newest else "wrong"
                self.tallies["the end", what] += 1
            self.tallies[*run, what] += 1
            if what == "older":
                self.behind[run[1]].append(behind)
            if what != "newest":
                odd = {"run": run, "tick": tick, "family": family, "labels": labels, "verdict": what, "behind": behind}
                self.odd.append({**odd, "found": values, "newest": newest, "last": is_last})

    def compared(self, *run):
        return sum(self.tallies[*run, what] for what in ("newest", "older", "between", "wrong"))

    def show(self, runs):
        columns = ("newest", "older", "between", "wrong", "absent")
        print(f"{'server':<12}{'cadence':<10}{'compared':>10}" + "".join(f"{each:>9}" for each in columns))
        for run in runs:
            counts = "".join(f"{self.tallies[*run, each]:>9,}" for each in columns)
            print(f"{run[0]:<12}{run[1]:<10}{self.compared(*run):>10,}{counts}")
        right, wrong = self.tallies["the end", "newest"], self.tallies["the end", "wrong"]
        print(f"in the end: {right:,} of {right + wrong:,} counters and days are what was put")
        for cadence, ages in sorted(self.behind.items()):
            ages.sort()
            print(f"older, {cadence}: {ages[len(ages) // 2]} minutes in the median, {ages[-1]} at most")


CONFIG = """
aws: {{endpoint_url: '{sim}', endpoints: {{cloudwatch: '{cloudwatch}'}}, attempt_timeout: 2m, operation_timeout: 4m}}
usage: {{cadence: {cadence}, discovery_interval: 2m, normal_interval: 2m, idle_interval: 4m, idle_after: 10m}}
scrape_interval: 1s
accounts:
"""


class Machines:
    """The processes, each with a port and a log of its own."""

    def __init__(self, exporter, folder):
        self.exporter, self.folder, self.processes = exporter, folder, []

    def start(self, name, command, **environment):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        fill = lambda text: str(text).format(port=port, folder=self.folder)  # noqa: E731
        environment = {**os.environ, **{key: fill(value) for key, value in environment.items()}}
        log = (self.folder / f"{name}.log").open("w")
        command = [fill(part) for part in command]
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True))
        return f"http://127.0.0.1:{port}"

    def server(self, name):
        command, _, environment, *_ = SERVERS[name]
        url, until = self.start(name, [command], SERVICES="cloudwatch", **environment), time.time() + 180
        while time.time() < until:
            try:
                client("cloudwatch", url, "us-east-1").list_metrics(Namespace="AWS/Bedrock")
                return url
            except Exception:  # noqa: BLE001: not up yet, in whatever way
                time.sleep(1)
        sys.exit(f"{name} does not answer at {url}: see {self.folder}/{name}.log")

    def serve(self, name, sim, cloudwatch, cadence):
        config = self.folder / f"{name}-{cadence}.yaml"
        text = CONFIG.format(sim=sim, cloudwatch=cloudwatch, cadence=cadence)
        for account, regions in ACCOUNTS.items():
            regions = [region for region in regions if region not in SERVERS[name][-1]]
            text += f"  - {{role_arn: 'arn:aws:iam::{account}:role/reader', regions: [{', '.join(regions)}]}}\n"
        config.write_text(text)
        command = [self.exporter, "serve", "--config.file", config, "--web.listen-address", "127.0.0.1:{port}"]
        keys = {"AWS_ACCESS_KEY_ID": "AKIASIMULATED", "AWS_SECRET_ACCESS_KEY": "none"}
        return self.start(f"{name}-{cadence}", command, **keys) + "/metrics"

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)


def wait_for(moment):
    time.sleep(max(0, moment - time.time()))


def measure(given, machines):
    sim = machines.start("sim", [given.exporter, "sim", "--listen", "127.0.0.1:{port}"])
    urls = {name: machines.server(name) for name in given.servers}
    feed, record = Feed(given.seed, given.minutes), Record()
    minute0 = int(time.time() // 60) + 2
    numbers = list(sums(feed, quotas_of(sim), minute0))
    writers = {name: ThreadPoolExecutor(1) for name in urls}

    def fill(tick):
        return {name: writers[name].submit(put, feed, tick, name, url, minute0) for name, url in urls.items()}

    for done in fill(0).values():
        done.result()
    wait_for(60 * minute0 + 3)
    cadences = ("fixed", "adaptive")
    runs = {(name, each): machines.serve(name, sim, urls[name], each) for name in urls for each in cadences}
    last, clear = given.minutes + AFTER, {}
    for tick in range(last + 1):
        began = 60 * (minute0 + tick)
        wait_for(began + 0.5)
        puts = fill(tick) if tick else {}
        wait_for(began + 50)
        for name, done in puts.items():
            if not done.done() or done.result() > began + 20:
                clear[name] = tick + 2  # nobody can say what was read of it meanwhile
        for run, url in runs.items():
            if tick >= clear.get(run[0], 0):
                record.compare(run, scrape(url), numbers, tick, tick == last)
        wrong = sum(one["verdict"] == "wrong" for one in record.odd)
        compared = sum(record.compared(*run) for run in runs)
        print(f"minute {tick} of {last}: {compared:,} compared, {wrong} wrong", file=sys.stderr)
    (machines.folder / "odd.jsonl").write_text("".join(json.dumps(one) + "\n" for one in record.odd))
    record.show(runs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("exporter", type=Path)
    parser.add_argument("--servers", type=lambda text: text.split(","), default=list(SERVERS))
    parser.add_argument("--minutes", type=int, default=22)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="for logs, odd.jsonl and LocalStack's file: best in memory, as /dev/shm is")
    given = parser.parse_args()
    if not given.exporter.is_file():
        sys.exit(f"missing: {given.exporter}; cargo build")
    for name in given.servers:
        if name not in SERVERS:
            sys.exit(f"--servers: found {name}, expected some of {', '.join(SERVERS)}")
        command, install, *_ = SERVERS[name]
        if not shutil.which(command):
            sys.exit(f"missing: {command} in the PATH; {install}, or leave it out by --servers")
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    machines = Machines(given.exporter, folder)
    # What is being put fails then at once.
    signal.signal(signal.SIGTERM, lambda *_: (machines.end(), sys.exit("stopped")))
    try:
        measure(given, machines)
    finally:
        machines.end()


if __name__ == "__main__":
    main()
