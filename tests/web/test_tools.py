"""`export`, `mcp` and `top` of an exporter behind a web configuration."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import unittest
from pathlib import Path

import cases
import certificates
import doors

sys.path.append(str(Path(__file__).resolve().parents[1] / "clients"))

import test_top  # noqa: E402

FOLDER = None
PLACE = ["--account=production", "--region=us-west-2"]
MODEL = "--model=anthropic.claude-sonnet-4-6"
TRUSTING = ["--tls.ca-file=ca.crt"]
CERTIFICATE = ["--tls.cert-file=client.crt", "--tls.key-file=client.key"]
USER = ["--basic-auth.username=alice", "--basic-auth.password-file=password"]
PASSWORD = "alice123"


def setUpModule():
    global FOLDER
    FOLDER = certificates.folder()
    Path(FOLDER, "password").write_text(PASSWORD + "\n")


def run(*arguments):
    """Exit code, and both outputs; no password is in any."""
    done = subprocess.run([doors.BINARY, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=doors.PATIENCE)
    if PASSWORD in done.stdout + done.stderr:
        raise AssertionError("the password is told")
    return done.returncode, done.stdout, done.stderr


def export(url, *access):
    return run("export", f"--url={url}", "--format=litellm", MODEL, *PLACE, *access)


class OfADemo(unittest.TestCase):
    """Who asks shows a certificate and is a user."""

    @classmethod
    def setUpClass(cls):
        file = doors.written(FOLDER, cases.MUTUAL + cases.USERS)
        command = [doors.BINARY, "demo", "--web.listen-address=127.0.0.1:0", f"--web.config.file={file}"]
        cls.server = doors.Server(command, r"msg=listening address=\S*?:(\d+)")
        cls.addClassCleanup(cls.server.stop)
        cls.port = cls.server.address.split(":")[1]
        cls.url = f"https://localhost:{cls.port}"
        cls.server.wait("the first round is complete")

    def test_export_writes_what_is_written_without(self):
        code, told, said = export(self.url, *TRUSTING, *CERTIFICATE, *USER)
        self.assertEqual((code, said), (0, ""))
        self.assertEqual(told, run("export", "--demo", "--format=litellm", MODEL, *PLACE)[1])

    def test_flags_may_come_by_the_environment(self):
        names = {flag.split("=")[0]: flag.split("=")[1] for flag in [*TRUSTING, *CERTIFICATE, *USER]}
        names["--url"] = self.url
        variables = {"BEDROCK_QUOTA_EXPORTER_" + name[2:].upper().replace("-", "_").replace(".", "_"): value for name, value in names.items()}
        command = [doors.BINARY, "export", "--format=litellm", MODEL, *PLACE]
        done = subprocess.run(command, cwd=FOLDER, env=os.environ | variables, capture_output=True, text=True, timeout=doors.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_missing_is_said_with_host_and_flag(self):
        host = f"localhost:{self.port}"
        for access, said in [
            ([*CERTIFICATE, *USER], f"no answer from {host}: nobody who is trusted has signed its certificate; --tls.ca-file"),
            ([*CERTIFICATE, *USER, "--tls.ca-file=foreign-ca.crt"], f"no answer from {host}: nobody who is trusted"),
            ([*TRUSTING, *USER], f"no answer from {host}: it wants a certificate; --tls.cert-file"),
            ([*TRUSTING, *CERTIFICATE], "401 Unauthorized: it wants a user, by --basic-auth.username"),
            ([*TRUSTING, *CERTIFICATE, "--basic-auth.username=mallory", USER[1]],
             "401 Unauthorized: the exporter refuses this user or password"),
            (["--tls.ca-file=missing.crt"], "missing.crt: "),
            (["--tls.ca-file=junk.pem"], "junk.pem: found no certificate"),
        ]:
            code, told, complaint = export(self.url, *access)
            self.assertEqual((code, told), (1, ""), access)
            self.assertIn(said, complaint)
            self.assertEqual(len(complaint.splitlines()), 1, complaint)

    def test_the_wrong_scheme_is_said(self):
        code, _, said = export(f"http://localhost:{self.port}", *USER)
        self.assertEqual(code, 1)
        self.assertIn("expected https", said)
        code, _, said = export(f"http://localhost:{self.port}", *TRUSTING)
        self.assertEqual(code, 1)
        self.assertIn(f"--url http://localhost:{self.port}: found http, expected https", said)

    def test_mcp_answers(self):
        command = [doors.BINARY, "mcp", f"--url={self.url}", *TRUSTING, *CERTIFICATE, *USER]
        about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        question = {"name": "headroom", "arguments": {"model_id": "us.anthropic.claude-sonnet-4-6", "account": "production"}}
        with subprocess.Popen(command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            late = threading.Timer(doors.PATIENCE, server.kill)
            late.start()
            for line in [
                {"id": 1, "method": "initialize", "params": about},
                {"method": "notifications/initialized"},
                {"id": 2, "method": "tools/call", "params": question},
            ]:
                server.stdin.write(json.dumps({"jsonrpc": "2.0", **line}) + "\n")
            server.stdin.flush()
            answer = next(told for told in map(json.loads, server.stdout) if told.get("id") == 2)
            late.cancel()
            server.stdin.close()
        items = json.loads(answer["result"]["content"][0]["text"])["items"]
        self.assertIn("L-15B8E632", [item["quota_code"] for item in items])

    def test_top_shows_it(self):
        files = [flag if "username" in flag else flag.replace("=", f"={FOLDER}/") for flag in [*TRUSTING, *CERTIFICATE, *USER]]
        top = test_top.Top(f"--url={self.url}", *files, *PLACE)
        self.addCleanup(top.close)
        top.until_shown("claude-sonnet-4-6")
        self.assertIn(self.url, top.shown)
        self.assertNotIn(PASSWORD.encode(), top.written)
        top.type(b"q")
        self.assertEqual(top.ends(), 0)


class Others(unittest.TestCase):

    @contextlib.contextmanager
    def serving(self, config):
        with doors.exporter(config and doors.written(FOLDER, config)) as server:
            yield server.address

    def test_a_certificate_that_signs_itself_is_trusted_by_itself_alone(self):
        name = ["-subj", "/CN=own", "-addext", "subjectAltName=IP:127.0.0.1"]
        certificates.openssl(FOLDER, "req", "-x509", *certificates.EC, "-noenc", *name, "-keyout", "own.key", "-out", "own.crt")
        with self.serving(cases.TLS.replace("server.", "own.")) as address:
            self.assertIn(f"no answer from {address}: nobody who is trusted has signed", export(f"https://{address}")[2])
            code, _, said = export(f"https://{address}", "--tls.ca-file=own.crt")
            self.assertEqual(code, 1)
            self.assertNotIn("no answer", said)
            # Of no other name, though the certificate is the same.
            port = address.split(":")[1]
            self.assertIn("is not one of that name", export(f"https://localhost:{port}", "--tls.ca-file=own.crt")[2])

    def test_who_speaks_no_tls_is_not_asked_by_https(self):
        with self.serving(None) as address:
            self.assertIn(f"no answer from {address}: it does not speak TLS; is it http://?", export(f"https://{address}")[2])

    def test_a_user_is_let_in_without_tls_too(self):
        with self.serving(cases.USERS) as address:
            self.assertIn("401 Unauthorized: it wants a user", export(f"http://{address}")[2])
            self.assertNotIn("401", export(f"http://{address}", *USER)[2])

    def test_a_password_in_the_url_is_not_repeated(self):
        for tool in ("export", "mcp"):
            code, _, said = run(tool, f"--url=https://alice:{PASSWORD}@127.0.0.1:9")
            self.assertEqual(code, 1)
            self.assertIn("--url: found a user in it, expected --basic-auth.username", said)


if __name__ == "__main__":
    unittest.main()
