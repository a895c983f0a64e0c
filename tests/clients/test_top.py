"""`top` in a real pseudo terminal: what a person sees, and what is left of the terminal afterwards."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyte

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BQE_BINARY", str(ROOT / "target/debug/bedrock-quota-exporter"))
PLACE = {"account_id": "111111111111", "account_name": "production", "region": "us-east-1"}
MODEL = "anthropic.claude-sonnet-4-6"
HOSTILE = "\x1b]0;owned\x07\x1b[2Jevil"
PATIENCE = 60


def answers():
    minute = {
        "settled": True, "requests": 60, "throttled": 20, "client_errors": 0, "server_errors": 0,
        "input_tokens": 1000, "output_tokens": 100, "cache_write_tokens": 0,
    }
    start = int(time.time()) // 60 * 60 - 600
    return {
        "targets": [{**PLACE, "complete_until": start, "ids": 1, "collectors": {"usage": {"up": True}}}],
        "throttled": [
            {**PLACE, "model": MODEL, "scope": "cross_region", "model_id": None, "cause": "reservation",
             "throttled_seconds": 300, "refused_share": 0.25, "attempts": 400},
            {**PLACE, "model": None, "scope": None, "model_id": HOSTILE, "cause": None, "throttled_seconds": 60,
             "refused_share": None, "attempts": None},
        ],
        "headroom": [
            {**PLACE, "model": MODEL, "scope": "cross_region", "quota": "tokens_per_minute", "quota_code": "L-15B8E632",
             "limit": 6e6, "used": 2.4e6, "peak": 3e6},
        ],
        "findings": [],
        "minutes": [
            {**PLACE, "model": MODEL, "scope": "cross_region", "model_id": None,
             "minutes": [{**minute, "start": start - 60 * ago} for ago in range(3, 0, -1)]},
        ],
    }  # fmt: skip


class Exporter:
    """Answers as an exporter whose snapshot never changes; counts how often it was asked."""

    def __init__(self):
        lists, self.asked, self.unread, self.media_type = answers(), 0, (), "application/json"
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.split("?")[0].removeprefix("/api/v1/")
                if name in exporter.unread:
                    self.send_error(503)
                    return
                body = json.dumps({"snapshot_at": 0, "items": lists[name]}).encode()
                is_known = self.headers.get("If-None-Match") == '"1"'
                exporter.asked += is_known
                self.send_response(304 if is_known else 200)
                self.send_header("ETag", '"1"')
                if not is_known:
                    self.send_header("Content-Type", exporter.media_type)
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if not is_known:
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Top:
    """The program in a terminal of its own."""

    def __init__(self, *arguments, size=(80, 24), told=None, **environment):
        self.master, self.slave = pty.openpty()
        self.screen = pyte.Screen(*size)
        self.stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.resize(*size)
        self.tell_size(*(told or size))
        self.before = termios.tcgetattr(self.slave)
        plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen(
            [BINARY, "top", *arguments], stdin=self.slave, stdout=self.slave, stderr=self.slave,
            env={**plain, "TERM": "xterm-256color", **environment}, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip

    def resize(self, columns, lines):
        self.screen.resize(lines, columns)
        self.tell_size(columns, lines)

    def tell_size(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys):
        os.write(self.master, keys)

    def read(self, seconds):
        """What is written within that time, or the first piece of it."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        piece = os.read(self.master, 65536) if ready else b""
        self.written += piece
        self.stream.feed(piece)
        return piece

    def until(self, wanted, what):
        end = time.monotonic() + PATIENCE
        while not wanted():
            if time.monotonic() > end:
                raise AssertionError(f"never: {what}\n" + "\n".join(self.screen.display))
            self.read(0.1)

    def until_shown(self, *texts):
        self.until(lambda: all(text in self.shown for text in texts), texts)

    @property
    def shown(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def ends(self):
        """The exit code, once all that it wrote was read."""
        self.until(lambda: self.process.poll() is not None, "the end")
        while self.read(0.1):
            pass
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class InATerminal(unittest.TestCase):
    def setUp(self):
        self.exporter = Exporter()
        self.addCleanup(self.exporter.server.server_close)

    def top(self, *arguments, **options):
        top = Top(f"--url={self.exporter.url}", "--interval=1s", *arguments, **options)
        self.addCleanup(top.close)
        return top

    def assert_terminal_is_as_before(self, top):
        self.assertEqual(termios.tcgetattr(top.slave), top.before)
        left, shown_again = top.written.rfind(b"\x1b[?1049l"), top.written.rfind(b"\x1b[?25h")
        self.assertGreater(left, top.written.rfind(b"\x1b[?1049h"), "the other screen is left")
        self.assertGreater(shown_again, top.written.rfind(b"\x1b[?25l"), "the cursor is back")

    def test_it_fits_a_small_terminal_and_follows_its_size(self):
        top = self.top()
        top.until_shown("THROTTLED NOW (2)", "reservation", "FULLEST QUOTAS (1)", "q quit")
        self.assertEqual(top.screen.display[23].split()[:2], ["q", "quit"])
        top.resize(120, 40)
        os.killpg(top.process.pid, signal.SIGWINCH)
        top.until(lambda: top.screen.display[39].startswith("q quit"), "the footer at the new bottom")
        self.assertIn(MODEL, top.shown, "there is room for the whole id")

    def test_names_cannot_move_the_cursor(self):
        top = self.top(size=(200, 50))
        top.until_shown("<1b>]0;owned<7><1b>[2Jevil")
        self.assertNotIn(b"\x1b]0;", top.written)
        self.assertNotEqual(top.screen.title, "owned")

    def test_it_writes_nothing_while_nothing_changes(self):
        top = self.top()
        top.until_shown("THROTTLED NOW (2)")
        # The age on the screen changes once a minute: two polls must pass between two changes.
        for _ in range(3):
            asked, length = self.exporter.asked, len(top.written)
            top.until(lambda: self.exporter.asked >= asked + 2, "two more polls")
            if len(top.written) == length:
                return
        self.fail("something was written though nothing had changed")

    def test_a_key_shows_the_minutes_of_a_model(self):
        top = self.top()
        top.until_shown("THROTTLED NOW (2)")
        top.type(b"\r")
        top.until_shown("MINUTE, UTC", "25 %")
        top.type(b"\x1b")
        top.until_shown("THROTTLED NOW (2)")
        top.type(b"\x1b[B")
        top.until(lambda: "> unknown" in top.shown, "the second row is chosen")

    def test_what_was_not_read_yet_keeps_nothing_else_from_the_screen(self):
        self.exporter.unread = ("throttled", "headroom")
        top = self.top()
        top.until_shown("1 target", "as far as is known", "of no quota is it known how full it is")

    def test_every_way_out_gives_the_terminal_back(self):
        for key in (b"q", b"\x03", signal.SIGTERM, signal.SIGHUP):
            with self.subTest(key):
                top = self.top()
                top.until_shown("THROTTLED NOW (2)")
                if isinstance(key, bytes):
                    top.type(key)
                else:
                    top.process.send_signal(key)
                self.assertEqual(top.ends(), 0)
                self.assert_terminal_is_as_before(top)

    def test_an_exporter_that_goes_away_is_stale_and_what_it_said_stays(self):
        top = self.top()
        top.until_shown("THROTTLED NOW (2)")
        self.exporter.stop()
        top.until_shown("STALE: no answer for", "THROTTLED NOW (2)", "reservation")

    def test_a_page_for_signing_in_is_no_exporter(self):
        self.exporter.media_type = "text/html; charset=utf-8"
        top = self.top(size=(200, 24))
        self.assertEqual(top.ends(), 1)
        self.assertIn("/api/v1/targets: found text/html, expected application/json of an exporter", top.shown)
        self.assertNotIn(b"\x1b[?1049h", top.written)

    def test_a_terminal_of_absurd_size_is_drawn_on_as_far_as_anybody_sees(self):
        for columns, lines in ((65535, 65535), (65535, 1), (1, 65535)):
            with self.subTest(columns=columns, lines=lines):
                top = self.top()
                top.until_shown("THROTTLED NOW (2)")
                written = len(top.written)
                top.tell_size(columns, lines)
                os.killpg(top.process.pid, signal.SIGWINCH)
                top.until(lambda: len(top.written) > written, "another frame")
                top.type(b"q")
                self.assertEqual(top.ends(), 0)
                self.assert_terminal_is_as_before(top)

    def test_it_begins_on_a_terminal_of_absurd_size(self):
        top = self.top(told=(65535, 65535))
        top.until(lambda: b"THROTTLED NOW" in top.written, "a frame")
        top.type(b"q")
        self.assertEqual(top.ends(), 0)
        self.assert_terminal_is_as_before(top)

    def test_an_exporter_that_is_not_there_is_an_error_on_the_terminal_that_stays(self):
        self.exporter.stop()
        top = self.top()
        self.assertEqual(top.ends(), 1)
        self.assertIn(f"no answer from {self.exporter.url.removeprefix('http://')}", top.shown)
        self.assertNotIn(b"\x1b[?1049h", top.written)

    def test_no_colour_where_none_is_wanted(self):
        for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
            with self.subTest(environment):
                top = self.top(**environment)
                top.until_shown("THROTTLED NOW (2)")
                self.assertEqual(b"\x1b[38;5;" in top.written, coloured)

    def test_without_a_terminal_it_says_so(self):
        ran = subprocess.run([BINARY, "top", f"--url={self.exporter.url}"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("top needs a terminal", ran.stderr)
        self.assertEqual(ran.stdout, "")


class TheDemo(unittest.TestCase):
    def test_it_shows_a_model_that_is_refused_and_its_minutes(self):
        top = Top("--demo", "--interval=1s", "--account=production", "--region=us-west-2")
        self.addCleanup(top.close)
        top.until(lambda: "claude-sonnet-4-6" in top.shown and "reservation" in top.shown, "its refusals")
        top.type(b"\r")
        top.until_shown("MINUTE, UTC")
        top.type(b"q")
        self.assertEqual(top.ends(), 0)
        self.assertNotIn(b"level=info", top.written, "no log on the screen")


if __name__ == "__main__":
    unittest.main()
