"""The hardened unit: measured by systemd's own judge, and with no right less than the exporter needs."""

import fcntl
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "alerts"))
import servers  # noqa: E402

SOCKET = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "bedrock-quota-exporter.socket"
UNIT = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "bedrock-quota-exporter.service"
BINARY = os.environ.get("BQE_BINARY")
# systemd's scale goes from 0 to 10.
MOST_EXPOSED = 2.0


def setting(name):
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.M)


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True)


@unittest.skipIf(shutil.which("systemd-analyze") is None, "systemd-analyze is missing: the unit is not measured")
class Unit(unittest.TestCase):
    def test_it_is_hardened(self):
        judged = analyze("security", "--offline=true", "--no-pager", UNIT)
        level = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
        self.assertIsNotNone(level, judged.stderr)
        self.assertLessEqual(float(level[1]), MOST_EXPOSED, judged.stdout)

    def test_systemd_knows_every_setting(self):
        said = analyze("verify", UNIT, SOCKET).stderr
        wrong = [line for line in said.splitlines() if not re.search(r"is not executable|Command 'man ", line)]
        self.assertEqual(wrong, [])

    @unittest.skipIf(shutil.which("strace") is None or not BINARY, "strace is missing: the unit's system calls are not tried")
    def test_the_exporter_makes_no_system_call_and_opens_no_file_that_it_forbids(self):
        """From start to a reload, a scrape and the end."""
        calls, files = traced()
        self.assertEqual(calls - allowed(), set())
        beside_processes = {path for path in files if re.match(r"/proc/(?!self|\d)", path)}
        self.assertTrue(not beside_processes or setting("ProcSubset") != ["pid"], beside_processes)


@unittest.skipUnless(BINARY, "BQE_BINARY is not set")
class Sockets(unittest.TestCase):
    """Handed over as systemd does it: from the third file on, counted in LISTEN_FDS, for the process LISTEN_PID."""

    FLAGS = ["demo", "--web.systemd-socket"]

    def start(self, *sockets, pid="$$", env=None):
        moves = " ".join(f"{3 + at}<&{one.fileno()}" for at, one in enumerate(sockets))
        script = f'export LISTEN_PID={pid}; exec "$0" "$@" {moves}'
        env = os.environ | {"LISTEN_FDS": str(len(sockets))} | (env or {})
        inherited = [one.fileno() for one in sockets]
        try:
            return subprocess.Popen(["bash", "-c", script, BINARY, *self.FLAGS], env=env, pass_fds=inherited, stderr=subprocess.PIPE, text=True)
        finally:
            for one in sockets:
                one.close()

    def test_the_exporter_serves_on_the_sockets_of_systemd(self):
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
            path = f"{folder}/socket"
            unix.bind(path)
            unix.listen()
            port = tcp.getsockname()[1]
            process = self.start(high(tcp), high(unix))
            self.addCleanup(process.stderr.close)
            try:
                # Systemd's sockets are there before the exporter is: who connects waits.
                self.assertEqual(urllib.request.urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=servers.PATIENCE).read(), b"OK\n")
                with socket.socket(socket.AF_UNIX) as client:
                    client.settimeout(servers.PATIENCE)
                    client.connect(path)
                    client.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
                    self.assertIn(b"200 OK", client.recv(65536))
            finally:
                servers.stop(process)
            self.assertTrue(Path(path).is_socket(), "the file is systemd's")
            listening = re.findall(r"msg=listening address=(\S+)", process.stderr.read())
            self.assertEqual(listening, [f"127.0.0.1:{port}", f"unix:{path}"])

    def refused(self, *sockets, pid="$$", env=None):
        process = self.start(*sockets, pid=pid, env=env)
        said = process.communicate(timeout=servers.PATIENCE)[1]
        self.assertNotEqual(process.returncode, 0)
        return said

    def test_sockets_that_are_not_there_or_of_another_kind_are_refused(self):
        self.assertIn("systemd has opened no socket for this process", self.refused())
        with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            self.assertIn("systemd has opened no socket for this process", self.refused(high(tcp), pid="1"))
            self.assertIn("socket 0 of systemd's is none to accept connections on", self.refused(high(datagrams)))
        address = {"BEDROCK_QUOTA_EXPORTER_WEB_LISTEN_ADDRESS": "127.0.0.1:0"}
        self.assertIn("cannot be used with", self.refused(env=address))


def high(kept):
    """The socket under a number that no other is moved to."""
    number = fcntl.fcntl(kept, fcntl.F_DUPFD, 50)
    return socket.socket(fileno=number)


@unittest.skipUnless(BINARY, "BQE_BINARY is not set")
class Command(unittest.TestCase):
    def test_the_exporter_knows_its_flags(self):
        _, *arguments = shlex.split(setting("ExecStart")[0])
        with tempfile.TemporaryDirectory() as folder:
            arguments = [a.replace("/etc/bedrock-quota-exporter", folder) for a in arguments]
            done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60)
        self.assertIn(f"{folder}/config.yaml", done.stderr)
        self.assertNotIn("argument", done.stderr)


def allowed():
    """The unit's filter, its groups spelt out; a line that begins with ~ takes away."""
    calls = set()
    for line in setting("SystemCallFilter"):
        found = set().union(*(spelt_out(word) for word in line.removeprefix("~").split()))
        calls = calls - found if line.startswith("~") else calls | found
    # What a service cannot be without, systemd adds by itself.
    return calls | spelt_out("@default")


def spelt_out(word):
    if not word.startswith("@"):
        return {word}
    lines = [line.strip() for line in analyze("syscall-filter", word).stdout.splitlines()[1:]]
    return set().union(*(spelt_out(line) for line in lines if line and not line.startswith("#")))


def traced():
    """The names of the system calls of a demo, and the files that it opens."""
    with tempfile.TemporaryDirectory() as folder:
        log, port = Path(folder, "calls"), servers.free_port()
        demo = [BINARY, "demo", f"--web.listen-address=127.0.0.1:{port}"]
        with servers.process(folder, port, "strace", "-f", "-qq", "-e", "signal=none", "-o", log, *demo) as exporter:
            urllib.request.urlopen(f"{exporter}/metrics", timeout=servers.PATIENCE).read()
            process = int(log.read_text().split(None, 1)[0])
            os.kill(process, signal.SIGHUP)
            os.kill(process, signal.SIGTERM)
            ended = lambda: not Path(f"/proc/{process}").exists()  # noqa: E731
            servers.wait_until(ended, servers.PATIENCE, "the exporter to end")
        calls, files = re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.M), re.findall(r'openat\(\w+, "([^"]+)', log.read_text())
        return set(calls) - {"execve"}, set(files)


if __name__ == "__main__":
    unittest.main()
