"""The exporter behind a web configuration, as its users meet it: with curl, in HTTP/2, by health checks, in a crowd."""

import contextlib
import os
import socket
import ssl
import statistics
import subprocess
import time
import unittest
from pathlib import Path

import cases
import certificates
import doors  # first of these: it says where the next two are
import browser
import servers
from doors import curl

FOLDER = None


def setUpModule():
    global FOLDER
    FOLDER = certificates.folder()
    Path(FOLDER, "password").write_text("alice123\n")


def serving(config, *flags, **how):
    return doors.exporter(config and doors.written(FOLDER, config), *flags, **how)


def scrape(server, *arguments):
    """The exporter's own families, by series."""
    text = doors.body(FOLDER, server.address, "https", *arguments, path="/metrics")
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("bedrock_exporter_"))


def closed(server, reason):
    return float(scrape(server)[f'bedrock_exporter_http_connections_closed_total{{reason="{reason}"}}'])


def connect(server):
    return socket.create_connection(("127.0.0.1", int(server.address.split(":")[1])), doors.PATIENCE)


def encrypted(server, protocols=("http/1.1",)):
    context = ssl.create_default_context(cafile=Path(FOLDER, "ca.crt"))
    context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(connect(server), server_hostname="localhost")


def request(client, path="/-/healthy"):
    """An answer on a kept connection."""
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: exporter\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"OK\n"):
        part = client.recv(65536)
        if not part:
            raise ConnectionError(f"closed after {answer}")
        answer += part
    return answer


class Doors(unittest.TestCase):
    PATHS = ("/", "/metrics", "/-/healthy", "/-/ready", "/-/config", "/api/v1/targets", "/api/v1/nothing", "/runbooks/x", "/nothing")

    def test_nothing_is_answered_without_a_user(self):
        with serving(cases.USERS, "--web.enable-lifecycle") as server:
            for path in self.PATHS:
                self.assertEqual(curl(FOLDER, server.address, "http", path=path), "401", path)
                self.assertNotEqual(curl(FOLDER, server.address, "http", "-u", "alice:alice123", path=path), "401", path)
            reload = ("-X", "POST")
            self.assertEqual(curl(FOLDER, server.address, "http", *reload, path="/-/reload"), "401")
            self.assertEqual(curl(FOLDER, server.address, "http", *reload, "-u", "bob:bob123", path="/-/reload"), "200")
            challenge = curl(FOLDER, server.address, "http", show="%header{www-authenticate}")
            self.assertTrue(challenge.startswith('Basic realm="bedrock-quota-exporter"') or "%header" in challenge, challenge)

    def test_headers_are_on_every_answer_and_the_file_s_word_is_the_last(self):
        policy = "frame-ancestors https://grafana.example.org"
        config = cases.USERS + f"http_server_config: {{headers: {{X-Frame-Options: sameorigin, Content-Security-Policy: '{policy}', X-XSS-Protection: ''}}}}\n"
        with serving(config) as server:
            for arguments in (["-u", "alice:alice123"], []):
                command = ["curl", "-q", "--noproxy", "*", "-s", "-D", "-", "-o", os.devnull, *arguments, f"http://{server.address}/"]
                lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.lower().splitlines()
                self.assertIn("x-frame-options: sameorigin", lines)
                self.assertEqual([line for line in lines if line.startswith("content-security-policy")], [f"content-security-policy: {policy}"])
                self.assertFalse([line for line in lines if line.startswith("x-xss")])

    def test_http2_is_spoken_where_it_may_be(self):
        for config, version in ((cases.TLS, "2"), (cases.TLS + "http_server_config: {http2: false}\n", "1.1")):
            with serving(config) as server:
                self.assertEqual(curl(FOLDER, server.address, "https", "--http2", show="%{http_code} %{http_version}"), f"200 {version}")
                self.assertEqual(curl(FOLDER, server.address, "https", "--http1.1", show="%{http_code} %{http_version}"), "200 1.1")

    def test_many_requests_share_one_http2_connection(self):
        with serving(cases.TLS) as server:
            url = f"https://127.0.0.1:{server.address.split(':')[1]}"
            paths = [f"{url}{path}" for path in ("/metrics", "/", "/-/healthy") * 10]
            command = ["curl", "-q", "--noproxy", "*", "-sS", "--http2", "--cacert", "ca.crt", "--parallel", "--parallel-max", "8", "-w", "%{http_code} %{num_connects}\n"]
            outputs = [argument for path in paths for argument in ("-o", os.devnull, path)]
            done = subprocess.run([*command, *outputs], cwd=FOLDER, capture_output=True, text=True, check=True).stdout
            codes = [line.split() for line in done.splitlines()]
            self.assertEqual([code for code, _ in codes], ["200"] * len(paths))
            self.assertLess(sum(int(made) for _, made in codes), len(paths) / 2, codes)

    def test_every_address_is_behind_the_same_doors(self):
        path = Path(FOLDER, "socket")
        with serving(cases.TLS + cases.USERS, "--web.listen-address=127.0.0.1:0", f"--web.listen-address=unix:{path}") as server:
            server.wait(r"address=unix:")
            other = [line for line in server.log if line and "listening address=127" in line][1].rsplit(":", 1)[1].strip()
            for how in (["--unix-socket", path], []):
                address = server.address if how else f"127.0.0.1:{other}"
                how = list(map(str, how))
                self.assertEqual(curl(FOLDER, address, "https", *how), "401")
                self.assertEqual(curl(FOLDER, address, "https", *how, "-u", "alice:alice123"), "200")

    def test_an_unknown_user_takes_as_long_as_a_known_one(self):
        cost_10 = "basic_auth_users: {dave: $2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq}\n"
        with serving(cost_10) as server:
            took = {"dave": [], "nobody": []}
            for number in range(5):
                for user, times in took.items():
                    show = curl(FOLDER, server.address, "http", "-u", f"{user}:wrong{number}", show="%{http_code} %{time_total}")
                    code, seconds = show.split()
                    self.assertEqual(code, "401")
                    times.append(float(seconds))
            known, unknown = (statistics.median(times) for times in took.values())
            self.assertTrue(known / 2 < unknown < known * 2, took)
            self.assertEqual(curl(FOLDER, server.address, "http", "-u", "dave:dave123"), "200")
            again = float(curl(FOLDER, server.address, "http", "-u", "dave:dave123", show="%{time_total}"))
            self.assertLess(again, known / 2, "what was right is remembered")


@unittest.skipUnless(browser.find(), "the status page over TLS in a browser: needs chromium")
class Browsers(unittest.TestCase):
    def test_a_browser_shows_the_status_page_over_http2_to_a_user(self):
        with serving(cases.TLS + cases.USERS) as server:
            show = lambda who: browser.show(f"https://{who}{server.address}/", width=800, height=600, more=["--ignore-certificate-errors"])  # noqa: E731
            shown = show("alice:alice123@")
            self.assertIn("us-east-1", shown.text)
            self.assertEqual(shown.complaints, [])
            self.assertNotIn("us-east-1", show("").text)


class Starts(unittest.TestCase):
    def refused(self, path):
        command = [doors.BINARY, "serve", "--web.listen-address=127.0.0.1:0", f"--web.config.file={path}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=doors.PATIENCE)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_a_bad_file_is_named_with_its_line(self):
        file = doors.written(FOLDER, cases.TLS.replace("server.crt", "missing.crt"))
        said = self.refused(file)
        self.assertIn(f"{file}:2: tls_server_config.cert_file: {FOLDER}/missing.crt: cannot be read", said)

    def test_a_pipe_is_no_web_config(self):
        path = Path(FOLDER, "pipe")
        os.mkfifo(path)
        self.assertIn("found a pipe", self.refused(path))


class Healthchecks(unittest.TestCase):
    def check(self, server, *flags):
        command = [doors.BINARY, "healthcheck", *([f"--web.listen-address={server.address}"] if server else []), *flags]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=doors.PATIENCE)
        return done.returncode, done.stderr

    def test_it_speaks_tls_where_the_flags_or_the_web_config_say_so(self):
        file = doors.written(FOLDER, cases.TLS)
        with doors.exporter(file) as server:
            port = server.address.split(":")[1]
            named = f"--web.listen-address=localhost:{port}"
            self.assertEqual(self.check(server, f"--web.config.file={file}")[0], 0)
            self.assertEqual(self.check(None, named, "--tls.ca-file=ca.crt")[0], 0)
            code, said = self.check(None, named, "--tls.ca-file=foreign-ca.crt")
            self.assertEqual(code, 1)
            self.assertIn("UnknownIssuer", said)
            # A file that is being changed is no reason to start an exporter again that goes by what it said before.
            Path(file).write_text("tls_server_config:\n  cert_file: [\n")
            self.assertEqual(self.check(server, f"--web.config.file={file}")[0], 0)

    def test_it_finds_the_web_config_of_the_exporter_beside_it(self):
        file = doors.written(FOLDER, cases.TLS)
        with doors.exporter(Path(file).name, cwd=FOLDER, address=f"127.0.0.1:{servers.free_port()}") as server:
            self.assertEqual(self.check(server)[0], 0)

    def test_it_shows_a_certificate_and_a_user(self):
        file = doors.written(FOLDER, cases.MUTUAL + cases.USERS)
        own = ("--tls.cert-file=client.crt", "--tls.key-file=client.key")
        user = ("--basic-auth.username=alice", "--basic-auth.password-file=password")
        with doors.exporter(file) as server:
            self.assertEqual(self.check(server, *own, *user)[0], 0)
            code, said = self.check(server, *own)
            self.assertEqual(code, 1)
            self.assertIn("401", said)
            self.assertEqual(self.check(server, *user, f"--web.config.file={file}")[0], 1)

    def test_a_user_without_a_password_is_an_error_of_the_command(self):
        code, said = self.check(None, "--basic-auth.username=alice")
        self.assertEqual(code, 2)
        self.assertIn("--basic-auth.password-file", said)


class Crowds(unittest.TestCase):
    def test_a_thousand_idle_clients_and_a_thousand_half_handshakes_harm_nobody(self):
        with serving(cases.TLS) as server, encrypted(server) as kept, contextlib.ExitStack() as crowd:
            request(kept)
            for half in (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
                for _ in range(1000):
                    with contextlib.suppress(OSError):
                        client = crowd.enter_context(connect(server))
                        client.sendall(half)
                began = time.monotonic()
                request(kept)
                with encrypted(server) as newcomer:
                    request(newcomer)
                took = time.monotonic() - began
                self.assertLess(took, 10)
                print(f"among 1,000 {'half handshakes' if half else 'idle clients'}: a kept and a new client answered in {took * 1000:.0f} ms")
            self.assertLessEqual(float(scrape(server)["bedrock_exporter_http_connections"]), 256)

    def test_handshakes_and_requests_have_a_deadline(self):
        with serving(cases.TLS) as server:
            silent, half, slow = connect(server), connect(server), encrypted(server)
            mixed = encrypted(server, ("h2",))
            half.sendall(b"\x16\x03\x01\x02\x00\x01")
            slow.sendall(b"GET /metrics HTTP/1.1\r\nHo")
            mixed.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            began = time.monotonic()
            for client in (silent, half, slow, mixed):
                with contextlib.suppress(OSError), client:
                    while client.recv(65536):
                        pass
                self.assertLess(time.monotonic() - began, 40)
            self.assertGreater(time.monotonic() - began, 9)
            self.assertEqual(closed(server, "slow_handshake"), 2)
            self.assertEqual(closed(server, "slow_request"), 2)

    def test_a_failed_handshake_is_counted_and_told(self):
        with serving(cases.MUTUAL) as server:
            for _ in range(20):
                self.assertEqual(curl(FOLDER, server.address, "https"), "refused")
            server.wait("a TLS handshake failed.*peer sent no certificates")
            self.assertLess(sum("a TLS handshake failed" in (line or "") for line in server.log), 20)
            counted = scrape(server, "--cert", "client.crt", "--key", "client.key")
            self.assertEqual(float(counted['bedrock_exporter_http_connections_closed_total{reason="handshake"}']), 20)

    def test_it_stops_though_clients_say_nothing(self):
        with serving(cases.TLS) as server, connect(server), encrypted(server):
            began = time.monotonic()
            server.process.terminate()
            self.assertEqual(server.process.wait(doors.PATIENCE), 0)
            self.assertLess(time.monotonic() - began, 10)


if __name__ == "__main__":
    unittest.main()
