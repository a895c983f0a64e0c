"""A small made-up fleet with a past, as OpenMetrics text for `promtool tsdb create-blocks-from openmetrics`.

Two accounts, two regions, every family that a panel reads, and one of each situation. Any number of
replicas publish all of it, each with counters as old as itself; the second one does not yet know of a
renamed team. Values are a pure function of the seed, the series and the minute.

    python tests/dashboards/fixture.py SECONDS_SINCE_EPOCH > fixture.om
"""

import math
import random
import sys
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86400
SEED = 20261121
HISTORY_DAYS = 10
JOB = "bedrock-quota-exporter"
FIRST, SECOND = "10.0.0.1:9465", "10.0.0.2:9465"

PAYMENTS, SEARCH = "111122223333", "444455556666"
US, EU = "us-east-1", "eu-central-1"
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"   # throttled by reservation; who spends it
OPUS = "anthropic.claude-opus-5-20260301-v1:0"         # no request quota at all
NOVA = "amazon.nova-pro-v1:0"                          # near its limit, growing for days
MISTRAL = "mistral.mistral-large-2402-v1:0"            # legacy
COMMAND = "cohere.command-r-plus-v1:0"                 # quota 0, still called
TITAN = "amazon.titan-embed-text-v2:0"                 # idle

PER_MINUTE = ("requests_per_minute", "tokens_per_minute")


@dataclass
class Replica:
    """An instance that runs from `started` to `stopped` seconds ago."""

    instance: str
    started: int
    stopped: int = 0


ONE = [Replica(FIRST, (HISTORY_DAYS + 1) * DAY)]
TWO = ONE + [Replica(SECOND, 40 * MINUTE)]
# The first one stopped when the second one started.
TAKEOVER = [Replica(FIRST, (HISTORY_DAYS + 1) * DAY, 41 * MINUTE), Replica(SECOND, 40 * MINUTE)]


@dataclass
class Quota:
    """A model quota of the made-up fleet; `fill` is its peak ratio as a function of days ago."""

    account: str
    region: str
    model: str
    scope: str
    quota: str
    code: str
    limit: float
    default: float
    fill: object = None
    state: str = "ok"
    limit_before: float = None      # until an hour ago
    ceiling: float = None

    def labels(self):
        return {"account_id": self.account, "region": self.region, "endpoint": "runtime", "model": self.model,
                "scope": self.scope, "variant": "standard", "quota": self.quota, "quota_code": self.code}


def steady(level):
    return lambda days_ago: level


def growing(level, per_day):
    return lambda days_ago: level - per_day * days_ago


QUOTAS = [
    Quota(PAYMENTS, US, SONNET, "cross_region", "tokens_per_minute", "L-0001", 200_000, 200_000, steady(0.40),
          ceiling=0.38),
    Quota(PAYMENTS, US, SONNET, "cross_region", "requests_per_minute", "L-0002", 200, 200, steady(0.20)),
    Quota(PAYMENTS, US, SONNET, "on_demand", "tokens_per_minute", "L-0003", 20_000, 200_000, steady(0.05)),
    Quota(PAYMENTS, EU, SONNET, "cross_region", "tokens_per_minute", "L-0001", 200_000, 200_000, steady(0.10)),
    Quota(PAYMENTS, EU, SONNET, "cross_region", "requests_per_minute", "L-0002", 200, 200, steady(0.05)),
    Quota(PAYMENTS, US, SONNET, "regional", "tokens_per_day", "L-0004", 100_000_000, 100_000_000, steady(0.30)),
    Quota(PAYMENTS, US, OPUS, "global", "tokens_per_minute", "L-0005", 1_000_000, 1_000_000, steady(0.55)),
    Quota(PAYMENTS, US, OPUS, "global", "requests_per_minute", "", None, None, state="no_such_quota"),
    Quota(SEARCH, US, NOVA, "on_demand", "tokens_per_minute", "L-0006", 400_000, 400_000, growing(0.95, 0.03)),
    Quota(SEARCH, US, NOVA, "on_demand", "requests_per_minute", "L-0007", 400, 400, growing(0.50, 0.02)),
    Quota(SEARCH, EU, NOVA, "on_demand", "tokens_per_minute", "L-0006", 100_000, 400_000, steady(0.30),
          limit_before=400_000),
    Quota(SEARCH, EU, NOVA, "regional", "tokens_per_day", "L-0012", 10_000_000, 10_000_000, steady(1.0)),
    Quota(SEARCH, US, MISTRAL, "on_demand", "requests_per_minute", "L-0008", 400, 400, steady(0.10)),
    Quota(SEARCH, US, COMMAND, "on_demand", "requests_per_minute", "L-0009", 0, 400, state="zero"),
    Quota(SEARCH, US, TITAN, "on_demand", "requests_per_minute", "L-0010", 2_000, 2_000, steady(0.0)),
    Quota(PAYMENTS, US, NOVA, "batch", "batch_jobs", "L-0011", 20, 20, steady(0.15)),
]


@dataclass
class Id:
    """An invocation id: tokens a minute in and out, refused calls a minute."""

    account: str
    region: str
    model_id: str
    model: str
    scope: str
    kind: str
    charge: float
    calls: float
    refused: float = 0.0
    team: str = "unattributed"
    team_before: str = None         # as the second replica still has it
    name: str = ""
    legacy: bool = False
    code: str = ""

    def labels(self):
        return {"account_id": self.account, "region": self.region, "endpoint": "runtime",
                "model_id": self.model_id, "model": self.model, "scope": self.scope}

    def pool(self):
        """What its throttles are added up by: an id of unknown model stands alone."""
        alone = {"model_id": self.model_id} if self.model == "unknown" else {}
        return {"account_id": self.account, "region": self.region, "model": self.model, "scope": self.scope} | alone


IDS = [
    Id(PAYMENTS, US, "us." + SONNET, SONNET, "cross_region", "system_profile", 20_000, 10, refused=2, code="L-0001"),
    Id(PAYMENTS, US, "abcd1234efgh", SONNET, "cross_region", "application_profile", 35_000, 18, refused=4,
       team="checkout", team_before="basket", name="checkout-assistant", code="L-0001"),
    Id(PAYMENTS, US, "ijkl5678mnop", SONNET, "cross_region", "application_profile", 25_000, 12, team="fraud",
       name="fraud-review", code="L-0001"),
    Id(PAYMENTS, US, SONNET, SONNET, "on_demand", "base", 1_000, 1, code="L-0003"),
    Id(PAYMENTS, EU, "eu." + SONNET, SONNET, "cross_region", "system_profile", 20_000, 10, code="L-0001"),
    Id(PAYMENTS, US, "global." + OPUS, OPUS, "global", "system_profile", 550_000, 40, code="L-0005"),
    Id(SEARCH, US, NOVA, NOVA, "on_demand", "base", 380_000, 200, code="L-0006"),
    Id(SEARCH, EU, NOVA, NOVA, "on_demand", "base", 30_000, 20, code="L-0006"),
    Id(SEARCH, US, MISTRAL, MISTRAL, "on_demand", "base", 9_000, 40, legacy=True),
    Id(SEARCH, US, COMMAND, COMMAND, "on_demand", "base", 0, 0, refused=3),
    Id(SEARCH, US, "zz9zz9zz9zz9", "unknown", "unknown", "unknown", 500, 5, refused=5),
    Id(SEARCH, US, "yy8yy8yy8yy8", "unknown", "unknown", "unknown", 500, 60),
]

REFUSED_SINCE = 30 * MINUTE      # ago
RUNS_OUT = 5 * HOUR              # from now
SPENT_SINCE = 20 * MINUTE        # ago
TARGETS = [(PAYMENTS, US), (PAYMENTS, EU), (SEARCH, US), (SEARCH, EU)]
DOWN = (SEARCH, EU, "catalog")
COLLECTORS = {"usage": 60, "quotas": 900, "catalog": 3600}


class Fleet:
    """Collects series: name, labels, and value by (seconds ago, age of the counters)."""

    def __init__(self, now):
        self.now = now
        self.series = {}

    def add(self, metric, labels, value):
        self.series.setdefault(metric, []).append((labels, value))

    def gauge(self, metric, labels, value):
        self.add(metric, labels, value if callable(value) else lambda ago, born: value)

    def counter(self, metric, labels, per_minute, since=math.inf):
        """Counts from the instance's start, or from `since` seconds ago if that is later."""
        def value(ago, born):
            return per_minute * max(0, min(born, since) - ago) / MINUTE
        self.add(metric, labels, value)


def wobble(key, ago):
    """Between 0.8 and 1: the same for the same series and quarter of an hour."""
    return 0.8 + 0.2 * random.Random(f"{SEED}/{key}/{int(ago // (15 * MINUTE))}").random()


def add_quotas(fleet):
    for quota in QUOTAS:
        labels = quota.labels()
        add = lambda metric, value: fleet.gauge(metric, labels, value)  # noqa: E731
        fleet.gauge("bedrock_quota_state", labels | {"state": quota.state}, 1)
        if quota.limit is None:
            continue
        row = {"account_id": quota.account, "region": quota.region, "quota_code": quota.code}
        fleet.gauge("bedrock_service_quota_applied", row, quota.limit)
        fleet.gauge("bedrock_service_quota_info", row | {
            "quota_name": f"{quota.quota} for {quota.model}", "adjustable": "true", "family": "model",
            "measured_by": "invocations", "bound": "exact"}, 1)
        before = quota.limit_before or quota.limit
        limit = lambda ago, born, q=quota, b=before: b if ago > HOUR else q.limit  # noqa: E731
        add("bedrock_quota_limit", limit)
        add("bedrock_quota_default", quota.default)
        if quota.fill is None:
            continue
        ratio = lambda ago, born, q=quota: q.fill(ago / DAY)  # noqa: E731
        key = f"{quota.account}{quota.region}{quota.code}"
        add("bedrock_quota_utilization_peak_ratio", ratio)
        add("bedrock_quota_utilization_ratio", lambda ago, born, r=ratio, k=key, q=quota: r(ago, born) * (q.quota == "tokens_per_day" or wobble(k, ago)))
        add("bedrock_quota_usage_peak", lambda ago, born, r=ratio, m=limit: r(ago, born) * m(ago, born))
        add("bedrock_quota_usage",
            lambda ago, born, r=ratio, m=limit, k=key: r(ago, born) * m(ago, born) * wobble(k, ago))
        if quota.quota == "tokens_per_day":
            spent = quota.fill(0) >= 1
            add("bedrock_quota_exhaustion_timestamp_seconds", fleet.now + (-SPENT_SINCE if spent else RUNS_OUT))
        if quota.ceiling:
            add("bedrock_quota_throttled_utilization_ratio",
                lambda ago, born, q=quota: q.ceiling if ago <= REFUSED_SINCE else None)


def parts(fleet, labels, each):
    """A twentieth of an id's calls asks for the reserved tier, which leaves a fifth of them to others; half are a project's."""
    labels = labels | {"window": "1h"}
    for (asked, served), share in {("default", "default"): 0.95, ("reserved", "reserved"): 0.04, ("reserved", "default"): 0.01}.items():
        tier = labels | {"service_tier": asked, "resolved_service_tier": served}
        fleet.gauge("bedrock_tier_invocations", tier, each.calls * 60 * share)
    fleet.gauge("bedrock_reserved_tier_overflow_ratio", labels, 0.2)
    for project in ("proj_checkout", "unattributed"):
        for kind, tokens in (("input", 0.6), ("output", 0.08)):
            fleet.gauge(f"bedrock_project_{kind}_tokens", labels | {"project": project}, each.charge * 60 * tokens / 2)


def add_ids(fleet):
    for each in IDS:
        labels = each.labels()
        counters = {
            "bedrock_invocations_total": each.calls,
            "bedrock_invocation_client_errors_total": 0.1,
            "bedrock_invocation_server_errors_total": 0.2,
            "bedrock_input_tokens_total": each.charge * 0.6,
            "bedrock_output_tokens_total": each.charge * 0.08,
            "bedrock_cache_read_tokens_total": each.charge * 0.3,
            "bedrock_cache_write_tokens_total": each.charge * 0.02,
            "bedrock_legacy_invocations_total": each.calls if each.legacy else 0,
        }
        for metric, rate in counters.items():
            fleet.counter(metric, labels, rate)
        fleet.counter("bedrock_invocation_throttles_total", labels, each.refused, since=REFUSED_SINCE)
        for statistic, seconds in (("p50", 1.2), ("p90", 2.5), ("p99", 6.0)):
            fleet.gauge("bedrock_invocation_latency_seconds", labels | {"statistic": statistic}, seconds)
            fleet.gauge("bedrock_time_to_first_token_seconds", labels | {"statistic": statistic}, seconds / 4)
        parts(fleet, labels, each)
        info = {"name": each.name, "type": each.kind, "confidence": "exact"}
        for instance, team in ((FIRST, each.team), (SECOND, each.team_before or each.team)):
            fleet.gauge("bedrock_model_id_info", labels | info | {"team": team, "instance": instance}, 1)
        for quota in QUOTAS:
            if (quota.account, quota.region, quota.code) == (each.account, each.region, each.code):
                fleet.counter("bedrock_quota_tokens_total", quota.labels() | {"model_id": each.model_id}, each.charge)
    pools = {}
    for each in IDS:
        pools.setdefault(tuple(each.pool().items()), []).append(each)
    for pool, ids in pools.items():
        labels = dict(pool)
        calls, refused = sum(i.calls for i in ids), sum(i.refused for i in ids)
        for window, minutes in (("5m", 5), ("30m", 30)):
            fleet.gauge("bedrock_attempts", labels | {"window": window}, (calls + refused) * minutes)
            fleet.gauge("bedrock_throttle_ratio", labels | {"window": window}, refused / (calls + refused))
        if refused:
            cause = {COMMAND: "zero_quota", "unknown": "unknown"}.get(labels["model"], "reservation")
            fleet.gauge("bedrock_throttle_cause", labels | {"cause": cause},
                        lambda ago, born: 1 if ago <= REFUSED_SINCE else None)
        if labels["model"] == "unknown":
            fleet.gauge("bedrock_unmapped_model", {"account_id": labels["account_id"], "region": labels["region"],
                                                   "model_id": labels["model_id"], "reason": "unknown_id"}, 1)


def add_inventory(fleet):
    target = {"account_id": PAYMENTS, "region": US}
    request = target | {"quota_code": "L-0003", "status": "CASE_OPENED"}
    fleet.gauge("bedrock_service_quota_increase_requested", request, 200_000)
    fleet.gauge("bedrock_service_quota_increase_created_timestamp_seconds", request, fleet.now - 9 * DAY)
    agent = target | {"quota_code": "L-712788A5"}
    fleet.gauge("bedrock_service_quota_applied", agent, 10)
    fleet.gauge("bedrock_service_quota_info", agent | {
        "quota_name": "GetAgent requests per second", "adjustable": "false", "family": "agents",
        "measured_by": "usage_metric", "bound": "lower"}, 1)
    fleet.gauge("bedrock_service_quota_utilization_peak_ratio", agent, 0.92)
    fleet.gauge("bedrock_guardrail_throttle_ratio", target | {"window": "5m"}, 0.04)
    units = target | {"provisioned_model_id": "q1w2e3r4t5y6", "name": "nova-steady", "model": NOVA}
    name = "bedrock_provisioned_throughput_"
    fleet.gauge(name + "model_units", units, 2)
    fleet.gauge(name + "desired_model_units", units, 3)
    fleet.gauge(name + "status", units | {"status": "Updating"}, 1)
    fleet.gauge(name + "commitment_expiration_timestamp_seconds", units, fleet.now + 12 * DAY)
    for account, region in TARGETS:
        fleet.gauge("bedrock_model_end_of_life_timestamp_seconds",
                    {"account_id": account, "region": region, "model": MISTRAL}, fleet.now + 45 * DAY)


def add_exporter(fleet):
    fleet.gauge("bedrock_account_info", {"account_id": PAYMENTS, "account_name": "payments"}, 1)
    fleet.gauge("bedrock_account_info", {"account_id": SEARCH, "account_name": SEARCH}, 1)
    for account, region in TARGETS:
        target = {"account_id": account, "region": region}
        fleet.gauge("bedrock_usage_complete_until_timestamp_seconds", target,
                    lambda ago, born: fleet.now - ago - 150)
        fleet.gauge("bedrock_exporter_budget_degraded", target, 0)
        for collector, interval in COLLECTORS.items():
            labels = target | {"collector": collector}
            down = (account, region, collector) == DOWN
            fleet.gauge("bedrock_exporter_target_up", labels, 0 if down else 1)
            fleet.gauge("bedrock_exporter_last_success_timestamp_seconds", labels,
                        lambda ago, born, i=interval: (fleet.now - ago) // i * i)
            fleet.gauge("bedrock_exporter_collection_duration_seconds", labels, interval / 100)
            for kind in ("access_denied", "throttled", "timeout"):
                fleet.counter("bedrock_exporter_collection_errors_total", labels | {"class": kind},
                              1 if down and kind == "access_denied" else 0)
    for collector, interval in COLLECTORS.items():
        fleet.gauge("bedrock_exporter_collection_interval_seconds", {"collector": collector}, interval)
    own = {
        "process_start_time_seconds": fleet.now - HOUR,
        "bedrock_exporter_targets": len(TARGETS), "bedrock_exporter_series": 4321,
        "bedrock_exporter_budget_dollars_per_day": 5,
        "bedrock_exporter_config_last_reload_successful": 1,
        "process_resident_memory_bytes": 48e6,
    }
    for metric, value in own.items():
        fleet.gauge(metric, {}, value)
    fleet.gauge("bedrock_exporter_build_info", {"version": "0.1.0", "revision": "0000000", "mode": "live"}, 1)
    fleet.counter("bedrock_exporter_cloudwatch_metrics_requested_total", {}, 120)
    fleet.counter("bedrock_exporter_estimated_cost_dollars_total", {}, 0.0012)
    call = {"service": "cloudwatch", "operation": "GetMetricData"}
    fleet.counter("bedrock_exporter_aws_requests_total", call | {"outcome": "success"}, 19)
    fleet.counter("bedrock_exporter_aws_requests_total", call | {"outcome": "throttled"}, 1)
    for bound, rate in (("0.1", 10), ("0.5", 18), ("+Inf", 20)):
        fleet.counter("bedrock_exporter_aws_request_duration_seconds_bucket", call | {"le": bound}, rate)


def fleet_at(now):
    fleet = Fleet(now)
    for add in (add_quotas, add_ids, add_inventory, add_exporter):
        add(fleet)
    return fleet


def times(now):
    """Every hour of the past days, every minute of the last two hours; seconds ago, oldest first."""
    hours = range(now // HOUR * HOUR - HISTORY_DAYS * DAY, now - 2 * HOUR, HOUR)
    minutes = range(now - 2 * HOUR, now + 1, MINUTE)
    return [now - at for at in (*hours, *minutes)]


def write(now, out, replicas=TWO):
    """The whole past up to `now`, grouped by family."""
    for metric, rows in fleet_at(now).series.items():
        for labels, value in rows:
            for replica in replicas:
                if labels.get("instance", replica.instance) != replica.instance:
                    continue
                text = ",".join(f'{k}="{v}"' for k, v in
                                (labels | {"job": JOB, "instance": replica.instance}).items())
                for ago in times(now):
                    alive = replica.stopped <= ago <= replica.started
                    number = value(ago, replica.started) if alive else None
                    if number is not None:
                        out.write(f"{metric}{{{text}}} {number!r} {now - ago}\n")
    out.write("# EOF\n")


if __name__ == "__main__":
    write(int(sys.argv[1]) // MINUTE * MINUTE, sys.stdout)
