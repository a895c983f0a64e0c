"""What the scenarios are made of: their labels, their servers, their waiting, and how what was seen is held against what should be."""

import sys
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "alerts"), str(TESTS / "dashboards")]

import live  # noqa: E402
import servers  # noqa: E402

SCALE = 0.1
SCRAPE_SECONDS = 10


def target(account, region, **labels):
    return {"account_id": f"00000000000{account}", "region": region, **labels}


def simulated(scenario):
    """Serves a simulated AWS; gives its address."""
    port = servers.free_port()
    command = [scenario.binary, "sim", f"--listen=127.0.0.1:{port}"]
    return servers.process(scenario.folder, port, *command, ready_at="/_sim/clock")


def config(aws, targets, more):
    accounts = {}
    for each in targets:
        accounts.setdefault(each["account_id"], []).append(each["region"])
    rows = [
        f"  - {{role_arn: 'arn:aws:iam::{account}:role/bedrock-quota-exporter', regions: [{', '.join(regions)}]}}\n"
        for account, regions in accounts.items()
    ]
    return f"accounts:\n{''.join(rows)}aws: {{endpoint_url: '{aws}'}}\n{more}"


def exporter(scenario, name, text, *flags):
    """Serves that config, which may be changed; gives its address."""
    port = servers.free_port()
    (scenario.folder / name).write_text(text)
    return servers.process(
        scenario.folder,
        port,
        scenario.binary,
        "serve",
        f"--config.file={scenario.folder / name}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        *flags,
        env={"AWS_ACCESS_KEY_ID": "AKIASIMULATED", "AWS_SECRET_ACCESS_KEY": "simulated"},
    )


# Traffic that follows the day, in bursts: at the hour of its peak a burst may reach a limit, as it would in life.
BURSTY = [
    target(0, "eu-central-1", model="anthropic.claude-sonnet-4-6"),
    target(1, "us-east-1", model="anthropic.claude-sonnet-4-6"),
    target(1, "us-east-1", model="twelvelabs.pegasus-1-2-v1:0"),
    target(1, "ap-northeast-1", model="amazon.nova-lite-v1:0"),
]
OF_BURSTS = {"BedrockThrottling", "BedrockThrottledByReservation", "BedrockQuotaNearLimit"}


def of_a_burst(alert):
    return alert["alert"] in OF_BURSTS and any(labels.items() <= alert["labels"].items() for labels in BURSTY)


def told(watch):
    return [alert for alert in watch.report() if not of_a_burst(alert)]


def spelled(alerts):
    """Alerts as the names and labels of what is expected."""
    return {(name, str(labels)) for name, situations in alerts.items() for labels in situations}


def muted(watch, expected):
    held_back = [alert for alert in told(watch) if alert["muted"]]
    return {
        (alert["alert"], str(labels))
        for alert in held_back
        for labels in expected.get(alert["alert"], [alert["labels"]])
        if labels.items() <= alert["labels"].items()
    }


def untold(watch):
    """What fires, is not muted and was not yet told."""
    return [each for each in told(watch) if "firing" in each and not each["muted"] and not each["notified"]]


def missing(watch, expected, mutes):
    """What is still to come, to be muted or to be told."""
    differences = live.differences(told(watch), expected)
    quiet = [line for line in differences if line.startswith("did not")]
    return quiet or spelled(mutes) - muted(watch, expected) or untold(watch)


def noticed(stack, watch, expected, mutes):
    """A look, and whether nothing is missing."""

    def look():
        watch.look(stack)
        return not missing(watch, expected, mutes)

    return look


def until(true, seconds):
    """Steps of a scenario until it is true, or so many seconds have passed: what is missing then is the tests' to say."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        yield


def together(*scenarios):
    """Takes steps of all of them in turn: they mostly wait. Whatever ends this, what they started is stopped."""
    running = list(scenarios)
    try:
        while running:
            for scenario in list(running):
                if next(scenario, StopIteration) is StopIteration:
                    running.remove(scenario)
            threading.Event().wait(1)
    finally:
        for scenario in running:
            scenario.close()
