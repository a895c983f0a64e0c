"""Two exporters of one job that share the accounts in different ways, the others of both ways not there."""

import contextlib
import time

import live
import servers
from situations import SCALE, SCRAPE_SECONDS, config, exporter, noticed, simulated, target, until

CALM = target(1, "eu-central-1")
WAYS = ("0/2", "0/3")
EXPECTED = {
    "BedrockShardMissing": [{"total": "2"}, {"total": "3"}],
    "BedrockShardsDisagree": [{}],
}


def past(now):
    """The same exporters from 16 to 6 minutes ago: a rollout that is over by now."""
    yield "# TYPE bedrock_exporter_shard gauge\n"
    for way in WAYS:
        shard, total = way.split("/")
        labels = f'job="bedrock-quota-exporter",instance="before",shard="{shard}",total="{total}"'
        for minute in range(16, 5, -1):
            yield f"bedrock_exporter_shard{{{labels}}} 1 {now - 60 * minute}\n"
    yield "# EOF\n"


class Shards:
    """What was seen of them."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.seen = live.Watch()

    def run(self):
        with contextlib.ExitStack() as running:
            text = config(running.enter_context(simulated(self)), [CALM], "quotas: {interval: 1m}\n")
            urls = [running.enter_context(exporter(self, "shards.yaml", text, f"--shard={way}")) for way in WAYS]
            history = self.folder / "shards.om"
            history.write_text("".join(past(int(time.time()))))
            metrics = [f"{url}/metrics" for url in urls]
            stack = running.enter_context(live.stack(metrics, SCALE, SCRAPE_SECONDS, history))
            yield from until(noticed(stack, self.seen, EXPECTED, {}), servers.PATIENCE)
