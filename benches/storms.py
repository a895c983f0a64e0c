"""How long from the first refused call to the page, by how CloudWatch's delays and the phases of all that waits fall.

    python benches/storms.py [--storms 10000] [--seed 1] [--rules shipped|before]

`before`: two refused minutes that are closed, rounds of a minute, rules every 30 s, 10 s of Alertmanager.

Each storm begins at a random second of a minute and refuses at least a fifth of its calls. Each datapoint is published
45 to 180 s after its minute's end, each in its own time; the exporter reads every minute, Prometheus scrapes every 15 s,
and the rules and Alertmanager wait as alerts/generate/values.yaml says, all of them at random phases. What is seen when
is written here anew, from docs/ALERTS.md: the exporter's own tests say that it does so.

hot: an id that is read every minute; calm: one of which the account-wide refusals tell first; idle: no call before;
unknown: nor does ListMetrics show it before its first datapoint; failing: no call is ever answered; refused: all are
refused from one second to the next.
"""

import argparse
import random
from pathlib import Path

import yaml

KINDS = ("hot", "calm", "idle", "unknown", "failing", "refused")
VALUES = yaml.safe_load((Path(__file__).parents[1] / "alerts/generate/values.yaml").read_text())
SCRAPE = 15
ROUND = 60            # usage.interval
ALARM_ROUND, ALARM = 20, 180    # the same for so long after the first refusal that is seen
DELAY = 120           # usage.delay
PUBLISHED = (45, 180)
WINDOW = 5            # minutes of the ratio
PATIENCE = 1800


class Storm:
    """Calls a minute; minute 0 is the one in which the first call is refused, at second 0."""

    def __init__(self, kind, rng):
        self.kind = kind
        self.first_end = rng.uniform(0, 60)
        self.attempts = rng.choice((30, 100, 300, 1000, 3000))
        self.share = 1.0 if kind in ("failing", "refused") else rng.uniform(0.2, 0.9)
        self.before = self.attempts if kind in ("hot", "calm", "refused") else 0
        self.ages = {}
        self.rng = rng

    def end(self, minute):
        return self.first_end + 60 * minute

    def stormy(self, minute):
        """The part of a minute that the storm took."""
        return 0 if minute < 0 else self.first_end / 60 if minute == 0 else 1

    def refused(self, minute):
        return self.attempts * self.share * self.stormy(minute)

    def answered(self, minute):
        stormy = self.stormy(minute)
        return self.attempts * (1 - self.share) * stormy + self.before * (1 - stormy)

    def is_published(self, series, minute, now):
        key = (series, minute)
        if key not in self.ages:
            self.ages[key] = self.rng.uniform(*PUBLISHED)
        return now - self.end(minute) >= self.ages[key]


class Exporter:
    """What is published of a storm after each round."""

    def __init__(self, storm, young):
        self.storm, self.young = storm, young
        self.found = storm.kind == "hot"
        self.listed = storm.kind != "unknown"
        self.alarmed = None

    def seen(self, series, minute, now):
        """A refusal that is seen is a fact however young its minute."""
        old = self.young or now - self.storm.end(minute) >= DELAY
        return old and self.storm.is_published(series, minute, now)

    def look(self, now):
        """Refused minutes, the ratio and attempts of five minutes, and those of the newest complete minute."""
        storm = self.storm
        ended = range(0, max(0, int((now - storm.first_end) // 60) + 1))
        self.found = self.found or any(self.seen("all", minute, now) for minute in ended)
        self.listed = self.listed or self.found
        if not (self.found and self.listed):
            return 0, None, None
        throttled = sum(self.seen("refused", minute, now) for minute in ended)
        if throttled and self.alarmed is None:
            self.alarmed = now
        closed = [minute for minute in ended if now - storm.end(minute) >= DELAY]
        last = closed[-1] if closed else -1
        window = [self.counts(minute, now) for minute in range(last - WINDOW + 1, last + 1)]
        five = tuple(map(sum, zip(*window)))
        is_refused = lambda minute: self.storm.is_published("refused", minute, now)  # noqa: E731
        complete = [minute for minute in ended if is_refused(minute) and self.is_complete(minute, now)]
        return throttled, five, self.counts(complete[-1], now) if self.young and complete else None

    def next_round(self, now):
        alarmed = self.young and self.alarmed is not None and now < self.alarmed + ALARM
        return now + (ALARM_ROUND if alarmed else ROUND)

    def counts(self, minute, now):
        """Refused and answered calls."""
        is_there = {series: minute < 0 or self.storm.is_published(series, minute, now) for series in ("refused", "answered")}
        return (self.storm.refused(minute) * is_there["refused"], self.storm.answered(minute) * is_there["answered"])

    def is_complete(self, minute, now):
        """Both counts are there; where nothing is answered, only once it would have been read."""
        answered = self.storm.answered(minute)
        if answered == 0:
            return self.storm.before == 0 and now - self.storm.end(minute) >= DELAY
        return self.storm.is_published("answered", minute, now)


def fires(throttled, five, one, rule):
    def refused(counts, ratio):
        return counts and sum(counts) >= rule["attempts"] and counts[0] / sum(counts) > ratio

    if refused(five, rule["ratio"]) and 60 * throttled >= rule["throttled_seconds"]:
        return True
    return bool("minute_ratio" in rule and throttled and refused(one, rule["minute_ratio"] - 1e-9))


def next_tick(at, period, rng):
    return at + rng.uniform(0, period)


def page(kind, rng, young, rule, evaluation, wait):
    """Seconds from the first refused call to the page."""
    storm = Storm(kind, rng)
    exporter = Exporter(storm, young)
    now = rng.uniform(0, ROUND)
    while not fires(*exporter.look(now), rule):
        now = exporter.next_round(now)
        if now > PATIENCE:
            return float("inf")
    rendered = now + rng.uniform(1, 10)
    return next_tick(next_tick(rendered, SCRAPE, rng), evaluation, rng) + wait


def seconds(text):
    return int(text.removesuffix("s"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--storms", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", choices=("shipped", "before"), default="shipped")
    given = parser.parse_args()
    rule, evaluation = dict(VALUES["throttling"]), seconds(VALUES["groups"]["throttling"])
    wait, young = seconds(VALUES["alertmanager"]["page"]["group_wait"]), given.rules == "shipped"
    if not young:
        rule.pop("minute_ratio", None)
        evaluation, wait = 30, 10
    print(f"{'s':<10}{'p50':>6}{'p90':>6}{'p95':>6}{'p99':>6}{'max':>6}")
    everything = []
    for kind in KINDS:
        rng = random.Random(f"{given.seed} {kind}")
        pages = [page(kind, rng, young, rule, evaluation, wait) for _ in range(given.storms)]
        show(kind, pages)
        everything += pages
    show("all kinds", everything)


def show(title, pages):
    pages = sorted(pages)
    quantiles = (pages[max(0, int(q * len(pages)) - 1)] for q in (0.5, 0.9, 0.95, 0.99, 1))
    print(f"{title:<10}" + "".join(f"{each:>6.0f}" for each in quantiles))


if __name__ == "__main__":
    main()
