"""What opening a dashboard on many days costs a Prometheus: CPU and time, query by query.

    bedrock-quota-exporter demo --backfill 6h > past.om
    python tests/dashboards/cost.py past.om --board capacity --days 14

The hours of the past repeat, each series of ratios and usage with a wave and a slope of its own, at the past's step:
so many days of a fleet of its size. Only the families are there that the dashboard reads; those of which it asks no
more than the newest value, for the last hour.
"""

import argparse
import itertools
import math
import random
import re
import time
import urllib.request
from pathlib import Path

import prometheus
import queries
from expressions import kind, parse, selectors

HOUR, DAY = 3600, 86400
SEED = 20261126
WAVE_SECONDS = 13750        # no divisor of a day
LIVELY = re.compile(r"bedrock_quota_(utilization|usage)")


def families(dashboard):
    """Names of all metrics that its queries, variables and annotations read, so far as a pattern can tell."""
    return set(re.findall(r"\b((?:bedrock|process)_\w+)", repr(dashboard)))


def looked_back_at(dashboard):
    """Names of those of which it reads more than the newest value."""
    expressions_of = [(each["expr"], True) for each in dashboard["annotations"]["list"]]
    expressions_of += [(target["expr"], not target.get("instant")) for panel, _ in queries.panels(dashboard)
                       for target in panel["targets"]]
    return {selector.name for expr, ranged in expressions_of for selector, parents in selectors(parse(expr))
            if ranged or any(kind(parent) in ("MatrixSelector", "SubqueryExpr") for parent in parents)}


class Past:
    """The series of an OpenMetrics text: their values, in order, all of the same moments."""

    def __init__(self, path, names):
        self.series, self.kinds, times = {}, {}, set()
        with Path(path).open() as lines:
            for line in lines:
                if line.startswith("# TYPE "):
                    _, _, family, kind = line.split()
                    self.kinds[family] = kind
                elif not line.startswith("#") and line.split("{", 1)[0] in names:
                    key, value, at = line.rsplit(" ", 2)
                    self.series.setdefault(key, []).append(float(value))
                    times.add(float(at))
        moments = sorted(times)
        self.end, self.step = int(moments[-1]), int(moments[-1] - moments[-2])

    def span(self, seconds, names, days_ago=0):
        """A function that writes these metrics for so long, up to so many days before the past's end."""
        end = self.end - days_ago * DAY + self.step
        times = range(end - seconds, end, self.step)

        def write(out):
            for name, keys in itertools.groupby(sorted(self.series, key=metric), key=metric):
                if name not in names:
                    continue
                family = name.removesuffix("_total")
                out.write(f"# TYPE {family} {self.kinds[family]}\n")
                for key in keys:
                    slope = random.Random(f"{SEED} {key}").uniform(-0.01, 0.03)
                    value = self.values(name, self.series[key], slope)
                    out.writelines(f"{key} {value(at):.6g} {at}\n" for at in times)
            out.write("# EOF\n")

        return write

    def values(self, name, known, slope):
        """The value of a series as a function of time; `slope` is by how much of itself it rises per day."""
        def counted(at):
            return (known[-1] - known[0]) / len(known) * max(0, at - self.end + 400 * DAY) / self.step

        def lively(at):
            wave = 0.7 + 0.3 * math.sin(at / WAVE_SECONDS)
            return known[at // self.step % len(known)] * (1 - slope * (self.end - at) / DAY) * wave

        if name.endswith("_total"):
            return counted
        return lively if LIVELY.match(name) else lambda at: known[-1]


def metric(key):
    return key.split("{", 1)[0]


class Meter:
    def __init__(self, url):
        self.url = url
        self.cpu, self.wall = self._cpu(), time.monotonic()

    def _cpu(self):
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:
            text = answer.read().decode()
        return float(re.search(r"^process_cpu_seconds_total (\S+)", text, re.M)[1])

    def lap(self):
        """Seconds of CPU and of time since the last one."""
        cpu, wall = self._cpu(), time.monotonic()
        spent = cpu - self.cpu, wall - self.wall
        self.cpu, self.wall = cpu, wall
        return spent


def opened(dashboard, url, now):
    """(what was asked, rows, seconds of CPU, seconds) for each query that opening it asks."""
    meter = Meter(url)
    page = queries.Page(dashboard, queries.Prometheus(url, now))
    yield "variables", sum(map(len, page.options.values())), *meter.lap()
    asked = [(f"{panel['title']} {target['refId']}", target) for panel, row in queries.panels(dashboard)
             if not (row and row["collapsed"]) for target in panel["targets"]]
    asked += [(each["name"], {"expr": each["expr"], "interval": each["step"]})
              for each in dashboard["annotations"]["list"]]
    for name, target in asked:
        rows = page.ask(target)[1]
        yield name, len(rows), *meter.lap()


def main():
    parser = argparse.ArgumentParser(description="Measure what opening a dashboard costs a Prometheus.")
    parser.add_argument("past", type=Path, help="OpenMetrics text, as `demo --backfill` prints it")
    parser.add_argument("--board", default="capacity")
    parser.add_argument("--days", type=int, default=14)
    arguments = parser.parse_args()
    dashboard = next(d for d in queries.load() if d["uid"].endswith(arguments.board))
    dashboard["time"]["from"] = f"now-{arguments.days}d"
    read, past_too = families(dashboard), looked_back_at(dashboard)
    past = Past(arguments.past, read)
    print(f"{len(past.series)} series, every {past.step} s, {arguments.days} days", flush=True)
    spans = [past.span(DAY, past_too, ago) for ago in reversed(range(arguments.days))]
    with prometheus.on(*spans, past.span(HOUR, read - past_too)) as url:
        list(opened(dashboard, url, past.end))      # what was just loaded is not yet in memory
        measured = list(opened(dashboard, url, past.end))
    for name, rows, cpu, wall in measured:
        print(f"{cpu:6.2f} s CPU {wall:6.2f} s  {rows:5} rows  {name}")
    print(f"{sum(m[2] for m in measured):6.2f} s CPU {sum(m[3] for m in measured):6.2f} s  in all, one query after another")


if __name__ == "__main__":
    main()
