"""What the dashboards show of a naive and of a quota-aware client, one after the other: 24 minutes, mostly waiting.

    python benches/throttle_share.py target/release/bedrock-quota-exporter

`sim` with a tight quota, `serve` on it as it is by default, a Prometheus that scrapes it, and the clients of
clients/python/closed_loop.py in real time: CloudWatch is as late as it is. The shares are what the panel "Throttled share"
of Bedrock / Model shows at its highest from a client's first call until none of its minutes is in the panel's window any
more; the other client's calls begin only then. Needs what tests/setup.sh installs.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / each) for each in ("clients/python", "tests/alerts", "tests/dashboards")]

import closed_loop as loop  # noqa: E402
import queries  # noqa: E402
import servers  # noqa: E402
from bedrock_quota_client import Limits, QuotaClient  # noqa: E402

KEYS = {"AWS_ACCESS_KEY_ID": f"AKIA{loop.ACCOUNT}TEST", "AWS_SECRET_ACCESS_KEY": "simulated", "AWS_EC2_METADATA_DISABLED": "true"}
CHOSEN = {"account": loop.ACCOUNT, "region": loop.REGION, "model": loop.MODEL.removeprefix("us.")}
SCRAPE_SECONDS = 15
# A minute leaves the panel's window of five minutes two minutes after it is over, as it came, with the next round of a minute
# and the scrape after it. As much again for a machine that is slow.
GONE = 60 + 120 + 300 + 2 * (60 + SCRAPE_SECONDS)


def scraping(folder, exporter):
    config = Path(folder, "prometheus.json")
    jobs = [{"job_name": "bedrock-quota-exporter", "static_configs": [{"targets": [exporter.removeprefix("http://")]}]}]
    config.write_text(json.dumps({"global": {"scrape_interval": f"{SCRAPE_SECONDS}s"}, "scrape_configs": jobs}))
    return servers.prometheus(folder, config)


def share(prometheus, since):
    """The highest that the panel has shown since then."""
    server = queries.Prometheus(prometheus)
    [board] = [board for board in queries.load() if board["title"] == "Bedrock / Model"]
    [panel] = [panel for panel, _ in queries.panels(board) if panel["title"] == "Throttled share"]
    expr, _ = queries.Page(board, server).ask(panel["targets"][0], CHOSEN)
    [row] = server.range(expr, int(time.time() - since), SCRAPE_SECONDS)
    return round(max(float(value) for _, value in row["values"]), 4)


def run(prometheus, call, counter, seconds):
    """One client, and what is shown of it."""
    began = time.time()
    took = loop.measure(call, seconds)
    time.sleep(GONE)
    calls = loop.calls(seconds)
    told = {"seconds": round(took, 1), "calls": calls, "refused": counter.refused}
    counted = counter.refused / (counter.refused + calls)
    return {**told, "refused_share": round(counted, 4), "throttled_share_shown": share(prometheus, began)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary", help="the exporter; its sub-commands sim and serve are used")
    parser.add_argument("--seconds", type=float, default=15, help="how long calls keep coming")
    given = parser.parse_args()
    binary = str(Path(given.binary).resolve())
    with tempfile.TemporaryDirectory() as folder, loop.simulated(binary) as aws:
        config, port = Path(folder, "config.yaml"), servers.free_port()
        config.write_text(f"regions: [{loop.REGION}]\naws: {{endpoint_url: '{aws}'}}\n")
        serve = [binary, "serve", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
        with servers.process(folder, port, *serve, env=KEYS) as exporter, scraping(folder, exporter) as prometheus:
            client = loop.runtime(aws)
            told = {"naive": run(prometheus, loop.naive(client), loop.Counter(client), given.seconds)}
            client = loop.runtime(aws, retries={"total_max_attempts": 1})
            limits = Limits(requests_per_minute=loop.REQUESTS, tokens_per_minute=loop.TOKENS, burndown=loop.BURNDOWN)
            aware = QuotaClient(client, {loop.MODEL: limits})
            told["quota_aware"] = run(prometheus, aware.converse, loop.Counter(client), given.seconds)
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
