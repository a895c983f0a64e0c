"""Pages in a real browser: what they hold once they are loaded, what it complains of, and a picture.

No driver is needed: chromium itself loads a page, lets its clock run ahead, and prints what is there then.
"""

import html.parser
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 300
# How far the page's clock runs ahead; it stands while an answer is awaited.
CLOCK_MILLISECONDS = 8_000
CONSOLE = re.compile(r':CONSOLE[^]]*\] "(.*)", source: ')
# Of the machine, not of the page.
WITHOUT_GRAPHICS = "fallback to software WebGL"


@dataclass
class Shown:
    text: str           # the document's markup
    complaints: list    # what is on the console: pages that are in order say nothing


def find():
    """The path of the browser, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def show(url, *, width, height, dark=False, picture=None, more=()):
    """Opens a page; `picture` is where a PNG of it goes. Headless windows are 500 pixels wide at least."""
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        flags = [f"--user-data-dir={profile}", f"--window-size={width},{height}", "--headless", "--no-sandbox",
                 "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
                 f"--virtual-time-budget={CLOCK_MILLISECONDS}", "--dump-dom"]
        flags += ["--blink-settings=preferredColorScheme=0"] if dark else []
        flags += [f"--screenshot={picture}"] if picture else []
        flags += more
        done = subprocess.run([find(), *flags, url], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)
    said = [found[1] for found in map(CONSOLE.search, done.stderr.splitlines()) if found]
    return Shown(done.stdout, [each for each in said if WITHOUT_GRAPHICS not in each])


class _Texts(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.texts = []

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data.strip())


def texts(markup):
    """The pieces of text between tags."""
    parser = _Texts()
    parser.feed(markup)
    return parser.texts
