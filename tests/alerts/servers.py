"""Real Prometheus and Alertmanager processes, and a webhook that remembers what it was sent."""

import contextlib
import json
import os
import random
import socket
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


# Nothing here fails because a machine is slow.
PATIENCE = 300


def free_port():
    """Below those that Linux gives to outgoing connections, of which tests nearby make thousands."""
    while True:
        port = random.randrange(15000, 32000)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.load(answer)


def post(url, content, method="POST"):
    data, kind = json.dumps(content).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, kind, method=method)
    urllib.request.urlopen(request, timeout=PATIENCE).close()


def wait_until(true, seconds, what):
    """Asks until the answer is not false, and gives it; the processes have no other way to say so."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            answer = true()
            if answer:
                return answer
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        threading.Event().wait(0.1)


@contextlib.contextmanager
def process(folder, port, *command, ready_at="/-/ready", env=None):
    """A server that is ready; its output goes to a file. Gives its address."""
    url = f"http://127.0.0.1:{port}"
    log = Path(folder, f"{Path(command[0]).name}-{port}.log")
    env = os.environ | (env or {})
    with log.open("w") as out:
        running = subprocess.Popen([str(part) for part in command], stdout=out, stderr=subprocess.STDOUT, cwd=folder, env=env)
    try:

        def ready():
            if running.poll() is not None:
                raise RuntimeError(f"{command[0]} ended: {log.read_text()[-2000:]}")
            urllib.request.urlopen(f"{url}{ready_at}", timeout=10).close()
            return True

        wait_until(ready, PATIENCE, f"{command[0]} to be ready")
        yield url
    finally:
        stop(running)


def stop(running):
    running.terminate()
    try:
        running.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def alertmanager(folder, config):
    port = free_port()
    return process(
        folder,
        port,
        "prometheus-alertmanager",
        f"--config.file={config}",
        f"--storage.path={folder}/alertmanager",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )


def prometheus(folder, config):
    """Sends alerts again soon: for some seconds after a (re)load it knows no Alertmanager and drops them."""
    port = free_port()
    return process(
        folder,
        port,
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}",
        "--storage.tsdb.retention.time=400d",
        "--web.enable-lifecycle",
        "--rules.alert.resend-delay=1s",
    )


class Webhook:
    """Receives Alertmanager's notifications: (time, path, content)."""

    def __enter__(self):
        self.received, self.lock = [], threading.Condition()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with webhook.lock:
                    webhook.received.append((time.time(), self.path, content))
                    webhook.lock.notify_all()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def all(self):
        with self.lock:
            return list(self.received)

    def wait(self, enough, seconds):
        """Waits until `enough(received)`."""
        with self.lock:
            if not self.lock.wait_for(lambda: enough(self.received), seconds):
                raise TimeoutError(f"after {seconds} s only {self.received}")
            return list(self.received)
