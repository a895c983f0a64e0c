"""An exporter on the simulated AWS, whose API can be asked."""

import contextlib
import json
import os
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BQE_BINARY", str(ROOT / "target/debug/bedrock-quota-exporter"))
SONNET = "us.anthropic.claude-sonnet-4-6"
US_WEST_2 = {"account": "production", "region": "us-west-2"}
# Nothing here fails because a machine is slow.
PATIENCE = 300


@contextlib.contextmanager
def exporter():
    """The URL of a demo that has been read once."""
    arguments = [BINARY, "demo", "--web.listen-address=127.0.0.1:0", "--log.format=json"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            told = ({**json.loads(line), **json.loads(line).get("fields", {})} for line in process.stderr)
            url = next(f"http://{line['address']}" for line in told if "address" in line)
            threading.Thread(target=process.stderr.read, daemon=True).start()
            end = time.monotonic() + PATIENCE
            while not ready(url):
                if time.monotonic() > end:
                    raise TimeoutError("the demo was not read")
                threading.Event().wait(0.2)
            yield url
        finally:
            process.terminate()


def ready(url):
    asked = f"{url}/api/v1/headroom?account=production&region=us-west-2&model_id={SONNET}"
    with contextlib.suppress(OSError):
        # Every target was read, not this one alone.
        urllib.request.urlopen(f"{url}/-/ready", timeout=10).close()
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return any(item["used"] is not None for item in json.load(answer)["items"])
    return False
