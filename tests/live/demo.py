"""The demo as an on-call engineer has it: days of its past, every dashboard and alert.

It is watched by two pairs of servers: one whose `for`, group intervals and Alertmanager's waits are a tenth as long, for
everything that fires; one unscaled, for the delay of a page.
"""

import contextlib
import subprocess
import time
import urllib.request

import live
import queries
import questions
import servers
import shipped
from situations import SCALE, SCRAPE_SECONDS, missing, noticed, target, until

# The demo lowers a quota below its steady use so many seconds after its start; it holds from the next whole minute on.
LOWERED_AFTER = 120
# The slowest alert wants so many seconds above the lowered limit, in minutes that have settled.
ABOVE_LIMIT = 600
DAY = 86400

DEEPSEEK = target(0, "us-east-1", model="deepseek.r1-v1:0", scope="cross_region")
SONNET_4_5 = target(0, "us-east-1", model="anthropic.claude-sonnet-4-5-20250929-v1:0", scope="cross_region")
SONNET_4_6 = target(0, "us-west-2", model="anthropic.claude-sonnet-4-6", scope="cross_region")
OPUS_4_5 = target(1, "us-east-1", model="anthropic.claude-opus-4-5-20251101-v1:0", scope="cross_region")
QWEN = target(1, "ap-northeast-1", model="qwen.qwen3-32b-v1:0", scope="regional", quota="tokens_per_day")
SPENT = target(1, "ap-northeast-1", model="anthropic.claude-sonnet-4-5-20250929-v1:0", scope="global")
OPUS_4_1 = target(2, "us-east-1", model="anthropic.claude-opus-4-1-20250805-v1:0")
GPT_OSS = target(2, "us-east-1", model="openai.gpt-oss-20b-1:0", scope="on_demand")
DELETED = target(2, "us-east-1", model_id="gone5t2r8y4u", reason="unknown_id")
NOVA_PRO = target(2, "us-west-2", model="amazon.nova-pro-v1:0", scope="cross_region")
OPUS_4_8 = target(2, "eu-central-1", model="anthropic.claude-opus-4-8", scope="cross_region")
TOGETHER = [
    target(2, "eu-central-1", model=model, scope="cross_region")
    for model in ("anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.nova-pro-v1:0", "amazon.nova-2-lite-v1:0")
]
SONIC = target(2, "ap-northeast-1", model_id="amazon.nova-2-5-sonic", reason="no_quota")

# What the situations of the demo (src/sim/demo.rs) call for. Nothing else may fire.
EXPECTED = {
    "BedrockThrottling": [DEEPSEEK, SONNET_4_6, OPUS_4_5, SPENT, NOVA_PRO, *TOGETHER],
    "BedrockThrottledByReservation": [SONNET_4_6, OPUS_4_5],
    "BedrockManyModelsThrottled": [target(2, "eu-central-1")],
    "BedrockCapacityErrors": [GPT_OSS],
    "BedrockGuardrailThrottling": [target(2, "us-west-2")],
    "BedrockServiceQuotaNearLimit": [target(0, "us-east-1", quota_code="L-712788A5")],
    "BedrockQuotaNearLimit": [DEEPSEEK, SONNET_4_5, NOVA_PRO],
    "BedrockQuotaSaturated": [DEEPSEEK, SONNET_4_5],
    "BedrockDailyTokensRunningOut": [QWEN],
    "BedrockDailyTokensGone": [SPENT],
    "BedrockZeroQuotaAttempted": [OPUS_4_8],
    "BedrockUnmappedTraffic": [DELETED, SONIC],
    "BedrockQuotaLowered": [NOVA_PRO],
    "BedrockProvisionedCommitmentEnding": [target(0, "us-west-2", name="llama-70b-search")],
    "BedrockIncreaseRequestOld": [target(0, "us-east-1", quota_code="L-F4DDD3EB")],
    "BedrockModelNearEndOfLife": [OPUS_4_1],
}
MUTED = {
    "BedrockThrottling": [SPENT, *TOGETHER],
    "BedrockThrottledByReservation": [SONNET_4_6, OPUS_4_5],
    "BedrockQuotaNearLimit": [DEEPSEEK, SONNET_4_5, NOVA_PRO],
    "BedrockQuotaSaturated": [DEEPSEEK],
}
# Once the demo is stopped.
STOPPED = {"BedrockExporterDown": [{}], "BedrockExporterAbsent": [{}]}
STOPPED_MUTED = {"BedrockExporterAbsent": [{}]}


class Demo:
    """What was seen of it."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.budget = sum(live.generate.delay(shipped.values()).values())
        self.seen, self.stopped, self.delay, self.answers = live.Watch(), live.Watch(), None, []
        self.broken_links, self.told = None, {}

    def run(self):
        # A day's tokens are whole again at midnight, and a pace is known some minutes later.
        yield from until(lambda: 600 < time.time() % DAY < DAY - 1200, DAY)
        port = servers.free_port()
        address = f"--web.listen-address=127.0.0.1:{port}"
        with contextlib.ExitStack() as running:
            past = self.past(running, address)
            # Whoever has the past must be there before the demo lowers the quota, or sees no change of it.
            yield from until(lambda: past.poll() is not None, 6 * servers.PATIENCE)
            if past.poll() != 0:
                raise RuntimeError(f"the past could not be printed: {(self.folder / 'past.log').read_text()}")
            # Early in a minute, to know in which one the quota is lowered.
            yield from until(lambda: 2 <= time.time() % 60 < 20, 120)
            started = time.time()
            demo = running.enter_context(contextlib.ExitStack())
            url = demo.enter_context(servers.process(self.folder, port, self.binary, "demo", address))
            metrics, scrape_seconds = [f"{url}/metrics"], shipped.values()["timing"]["scrape_seconds"]
            slow = running.enter_context(live.stack(metrics, 1, scrape_seconds))
            storm = (started + LOWERED_AFTER) // 60 * 60 + 60
            quick = running.enter_context(live.stack(metrics, SCALE, SCRAPE_SECONDS, self.folder / "past.om"))

            def over():
                self.seen.look(quick)
                self.delay = self.delay or page(slow.hook, NOVA_PRO, storm)
                return self.delay and not missing(self.seen, EXPECTED, MUTED)

            yield from until(over, LOWERED_AFTER + ABOVE_LIMIT + self.budget + 2 * servers.PATIENCE)
            self.budget += slowness(slow, storm)
            server = queries.Prometheus(quick.prometheus)
            self.answers, self.broken_links = queries.check(server), queries.broken_links(server)
            self.told = questions.answers(server)
            demo.close()
            yield from until(noticed(quick, self.stopped, STOPPED, STOPPED_MUTED), servers.PATIENCE)

    def past(self, running, address):
        """A process that prints the last days; growth per day needs two midnights."""
        out = running.enter_context((self.folder / "past.om").open("w"))
        log = running.enter_context((self.folder / "past.log").open("w"))
        command = [self.binary, "demo", "--backfill=52h", "--backfill.step=5m", address]
        past = subprocess.Popen(command, stdout=out, stderr=log)
        running.callback(servers.stop, past)
        return past


def slowness(stack, since):
    """Seconds by which the machine was slower than a page's budget has it, as measured: a round, and a scrape."""
    longest = f"max(max_over_time(%s[{time.time() - since:.0f}s]))"
    rounds = 'bedrock_exporter_collection_duration_seconds{collector="usage"}'
    ask = queries.Prometheus(stack.prometheus).instant
    took = [float(row["value"][1]) for what in (rounds, "scrape_duration_seconds") for row in ask(longest % what)]
    return max(0, sum(took) - shipped.values()["timing"]["collection_seconds"])


def page(hook, labels, began):
    """Seconds from `began` to the first page of throttling with these labels."""
    for at, path, content in hook.all():
        for alert in content["alerts"]:
            named = alert["labels"]["alertname"] == "BedrockThrottling"
            if path == "/pages" and named and labels.items() <= alert["labels"].items():
                return at - began
    return None
