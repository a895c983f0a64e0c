"""The exporter and the toolkit's own server behind a web configuration, and curl as their client."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

# Where a real Prometheus is started.
sys.path.append(str(Path(__file__).resolve().parents[1] / "alerts"))

BINARY = os.environ.get("BQE_BINARY", str(Path(__file__).resolve().parents[2] / "target/debug/bedrock-quota-exporter"))
PATIENCE = 120
# Nobody listens there: the exporter serves, and has nothing else to do.
WATCHING_NOTHING = "regions: [us-east-1]\naws: {endpoint_url: 'http://127.0.0.1:9'}\n"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIASIMULATED", "AWS_SECRET_ACCESS_KEY": "simulated"}
# Curl's own words where nothing comes back: a handshake that fails, a connection that is closed. In TLS 1.3 a client
# may have sent its request before it hears that its certificate is refused.
CLOSED = {16, 35, 52, 55, 56, 98}


def written(folder, config):
    """The file of a web configuration, with the texts of the files that it has inline."""

    def text(match):
        lines = Path(folder, match[1]).read_text().splitlines()
        return "\n    ".join(lines)

    file = tempfile.NamedTemporaryFile("w", dir=folder, prefix="web-", suffix=".yml", delete=False)
    with file:
        file.write(re.sub(r"<(\S+?)>", text, config))
    return file.name


class Server:
    """A server that listens, or has ended. Its log is read as it comes."""

    def __init__(self, command, says, **how):
        self.log, self.changed = [], threading.Condition()
        self.process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, **how)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.address = None
        found = self.wait(says)
        if found:
            self.address = f"127.0.0.1:{found[1]}"

    def _read(self):
        for line in self.process.stderr:
            with self.changed:
                self.log.append(line)
                self.changed.notify_all()
        with self.changed:
            self.log.append(None)
            self.changed.notify_all()

    def wait(self, pattern):
        """The first line of the log with that pattern; nothing if the process ends without it."""

        def found():
            for line in self.log:
                match = line is None or re.search(pattern, line)
                if match:
                    return match
            return None

        with self.changed:
            if not self.changed.wait_for(lambda: found() is not None, PATIENCE):
                raise TimeoutError(f"never logged: {pattern}; {self.log}")
            match = found()
            return None if match is True else match

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stderr.close()


@contextlib.contextmanager
def exporter(config, *flags, address="127.0.0.1:0", **how):
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder, "config.yaml")
        own.write_text(WATCHING_NOTHING)
        command = [BINARY, "serve", f"--config.file={own}", f"--web.listen-address={address}"]
        command += [*([f"--web.config.file={config}"] if config else []), *flags]
        server = Server(command, r"msg=listening address=\S*?:(\d+)", env=os.environ | KEYS, **how)
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def toolkit(binary, config):
    server = Server([binary, "-web.listen-address=127.0.0.1:0", f"-web.config.file={config}"], r'"TLS is (?:en|dis)abled\.".* address=\S*?:(\d+)')
    if server.address and not answers(server.address):
        # It says so before it has tried.
        server.address = None
    try:
        yield server
    finally:
        server.stop()


def answers(address):
    """Whether anything is said to what is no request."""
    host, port = address.split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), PATIENCE) as client:
        client.sendall(b"HEAD x\r\n\r\n")
        return client.recv(1) != b""
    return False


def ask(folder, address, scheme, *arguments, path="/-/healthy"):
    # No variable of the environment leads it elsewhere.
    command = ["curl", "-q", "--noproxy", "*", "--silent", "--max-time", "60", "--cacert", "ca.crt"]
    url = f"{scheme}://127.0.0.1:{address.rsplit(':', 1)[1]}{path}"
    return subprocess.run([*command, *map(str, arguments), url], cwd=folder, capture_output=True, text=True)


def body(*request, **how):
    done = ask(*request, **how)
    done.check_returncode()
    return done.stdout


def curl(folder, address, scheme, *arguments, show="%{http_code}", **how):
    """What curl shows of an answer, or that it was refused."""
    done = ask(folder, address, scheme, *arguments, "--output", os.devnull, "--write-out", show, **how)
    if done.returncode in CLOSED:
        return "refused"
    if done.returncode:
        raise AssertionError(f"curl ended with {done.returncode}: {done.args}")
    return done.stdout
