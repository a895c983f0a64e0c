"""A real Prometheus on a past of our own making."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

START_SECONDS = 60


def need(program):
    path = shutil.which(program)
    if not path:
        raise RuntimeError(f"{program} is not installed: apt-get install prometheus")
    return path


@contextlib.contextmanager
def on(*writes):
    """The URL of a Prometheus that holds the OpenMetrics texts which each `write(file)` writes."""
    with tempfile.TemporaryDirectory(prefix="dashboards-") as directory:
        directory = Path(directory)
        past = directory / "past.om"
        for write in writes:
            with past.open("w") as out:
                write(out)
            subprocess.run([need("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=512h",
                            past, directory / "data"], check=True, stdout=subprocess.DEVNULL)
            past.unlink()
        (directory / "prometheus.yml").write_text("scrape_configs: []\n")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with (directory / "log").open("w") as log:
            process = subprocess.Popen(
                [need("prometheus"), f"--config.file={directory / 'prometheus.yml'}",
                 f"--storage.tsdb.path={directory / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
                 "--storage.tsdb.retention.time=5y", "--log.level=warn"], stdout=log, stderr=log)
            try:
                _wait(url, process, directory / "log")
                yield url
            finally:
                process.terminate()
                process.wait()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(url, process, log):
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/-/ready", timeout=1)
            return
        time.sleep(0.1)
    raise RuntimeError(f"Prometheus did not start: {log.read_text()}")
