"""Tools of tests/tools.txt, which tests/setup.sh builds by Go into the user's cache."""

import os
import shutil
import unittest
from pathlib import Path

TABLE = Path(__file__).with_name("tools.txt")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "bedrock-quota-exporter", "tools")


def need(name):
    """The tool's path; without it, and without one on the PATH, the tests that ask are left out and say so."""
    version = next(line.split()[2] for line in TABLE.read_text().splitlines() if line.split()[0] == name)
    built = CACHE / f"{name}-{version}" / name
    found = str(built) if built.exists() else shutil.which(name)
    if found is None:
        raise unittest.SkipTest(f"{name} is missing, and Go to build it with")
    return found
