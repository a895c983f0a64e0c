"""All tests of one folder beside this file; the last line counts them.

    python tests/suite.py alerts
"""

import signal
import sys
import unittest
from pathlib import Path


def main():
    # As an exception, so that whatever was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    name = sys.argv[1]
    tests = Path(__file__).resolve().parent
    # Where docs/METRICS.md is read.
    sys.path.append(str(tests.parent / "dashboards" / "generate"))
    here = str(tests / name)
    suite = unittest.defaultTestLoader.discover(here, top_level_dir=here)
    result = unittest.TextTestRunner(verbosity=1, stream=sys.stdout).run(suite)
    for reason in sorted({reason for _, reason in result.skipped}):
        print(f"{name}: left out: {reason}")
    failed = len(result.failures) + len(result.errors)
    # A module that is left out whole is no test that ran.
    skipped = sum(isinstance(test, unittest.TestCase) for test, _ in result.skipped)
    passed = f"{name}: {result.testsRun - failed - skipped} passed, {failed} failed"
    print(passed + (f", {skipped} skipped" if skipped else ""))
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
