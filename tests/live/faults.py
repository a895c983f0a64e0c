"""Two exporters of one job on a simulated AWS that fails them, for the alerts on the exporter itself.

The first watches three accounts and regions and is late by config, so that a failure makes its data stale within minutes.
The second watches a fourth, on a budget of a cent a day, and looks for more in an organization that does not let it; it is
stopped in the end. Then a Prometheus that scrapes none.
"""

import contextlib
import urllib.error

import live
import servers
from situations import SCALE, SCRAPE_SECONDS, config, exporter, noticed, simulated, target, until

STALE, FRESH = target(0, "eu-central-1"), target(1, "eu-central-1")
BLIND = target(0, "ap-northeast-1")
REFUSED = target(1, "us-west-2")

LATE = "quotas: {interval: 1m}\nusage: {cadence: fixed, delay: 16m, settle: 18m}\n"
FRUGAL = """quotas: {interval: 1m}
budget: {dollars_per_day: 0.01}
organization: {assume_role: bedrock-quota-exporter, role_arn: 'arn:aws:iam::000000000001:role/member', regions: [us-west-2]}
"""

FAULTS = [
    {**STALE, "service": "monitoring", "kind": "status", "status": 500},
    {**BLIND, "service": "monitoring", "kind": "reset"},
    {**REFUSED, "service": "servicequotas", "kind": "access_denied"},
]
MUTED = {
    "BedrockTargetDown": [{**BLIND, "collector": "usage"}, {**REFUSED, "collector": "quotas"}],
    "BedrockDataStale": [BLIND],
}
# Where nothing is scraped.
ABSENT = {"BedrockExporterAbsent": [{}]}


def failing(late, frugal):
    """While AWS fails, the config of the instance `late` is refused and `frugal` finds no accounts."""
    return {
        "BedrockTargetDown": [{**STALE, "collector": "usage"}, *MUTED["BedrockTargetDown"]],
        "BedrockRegionBlind": [{"region": BLIND["region"]}],
        "BedrockDataStale": [STALE, BLIND],
        "BedrockCredentialsFailing": [{**REFUSED, "collector": "quotas", "class": "access_denied"}],
        "BedrockBudgetDegraded": [REFUSED],
        "BedrockConfigReloadFailed": [{"instance": late}],
        "BedrockDiscoveryFailing": [{"instance": frugal, "discovery": "accounts"}],
    }


def lost(frugal):
    """Once the instance `frugal` is stopped."""
    return {"BedrockExporterReplicaDown": [{"instance": frugal}], "BedrockTargetsLost": [{}]}


def fault(hit):
    return {"account" if name == "account_id" else name: value for name, value in hit.items()}


class Faults:
    """What was seen of them."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.seen, self.absent, self.expected = live.Watch(), live.Watch(), {}

    def run(self):
        with contextlib.ExitStack() as running:
            aws = running.enter_context(simulated(self))
            late = running.enter_context(exporter(self, "late.yaml", config(aws, [STALE, FRESH, BLIND], LATE)))
            second = running.enter_context(contextlib.ExitStack())
            frugal = second.enter_context(exporter(self, "frugal.yaml", config(aws, [REFUSED], FRUGAL)))
            metrics = [f"{url}/metrics" for url in (late, frugal)]
            stack = running.enter_context(live.stack(metrics, SCALE, SCRAPE_SECONDS))

            servers.post(f"{aws}/_sim/faults", [fault(hit) for hit in FAULTS], "PUT")
            (self.folder / "late.yaml").write_text("regionz: [us-east-1]\n")
            with contextlib.suppress(urllib.error.HTTPError):
                servers.post(f"{late}/-/reload", {})
            self.expected = failing(late.removeprefix("http://"), frugal.removeprefix("http://"))
            yield from until(noticed(stack, self.seen, self.expected, MUTED), 2 * servers.PATIENCE)

            second.close()
            self.expected |= lost(frugal.removeprefix("http://"))
            yield from until(noticed(stack, self.seen, self.expected, MUTED), servers.PATIENCE)

        with live.stack([], SCALE, SCRAPE_SECONDS) as stack:
            yield from until(noticed(stack, self.absent, ABSENT, {}), servers.PATIENCE)
