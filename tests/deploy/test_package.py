"""The Debian package: built, installed into a folder of its own, upgraded, removed."""

import os
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BQE_BINARY")
NAME = "bedrock-quota-exporter"
NEEDED = ("dpkg-deb", "dpkg", "strip", "objdump")


@unittest.skipUnless(BINARY, "BQE_BINARY is not set")
@unittest.skipUnless(all(map(shutil.which, NEEDED)) and os.getuid() == 0, "dpkg, binutils or root is missing: the package is not tried")
class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        # The binary of the tests is large, and nobody downloads this package.
        fast = {**os.environ, "DPKG_DEB_COMPRESSOR_TYPE": "none", "DEBFULLNAME": "Packagers", "DEBEMAIL": "packages@example.com"}
        built = subprocess.run(
            [REPOSITORY / "deploy" / "deb" / "build", BINARY, folder.name], capture_output=True, text=True, env=fast
        )
        assert (built.returncode, built.stderr) == (0, ""), built.stderr
        cls.package = Path(built.stdout.strip())

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for state in ("updates", "info", "triggers"):
            (self.root / "var/lib/dpkg" / state).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()

    def dpkg(self, *arguments):
        """On the folder, where neither a shell nor what the package depends on is."""
        apart = [f"--root={self.root}", f"--log={self.root}/log", "--force-depends", "--force-script-chrootless"]
        done = subprocess.run(["dpkg", *apart, *arguments], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def field(self, name):
        return subprocess.run(["dpkg-deb", "--field", self.package, name], capture_output=True, text=True, check=True).stdout.strip()

    def test_it_says_what_it_is_and_what_it_needs(self):
        version = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["package"]["version"]
        self.assertEqual(self.field("Version"), version)
        self.assertRegex(self.field("Depends"), r"^libc6 \(>= 2\.\d+\), libgcc-s1, ca-certificates, procps$")
        self.assertEqual(self.field("Maintainer"), "Packagers <packages@example.com>")
        self.assertGreater(int(self.field("Installed-Size")), 1024)

    def test_what_is_installed_runs_and_the_unit_finds_it(self):
        self.dpkg("--install", self.package)
        unit = (self.root / f"usr/lib/systemd/system/{NAME}.service").read_text()
        binary, _, config = re.search(r"^ExecStart=(\S+) (\w+) --config.file=(\S+)$", unit, re.M).groups()
        default = re.search(r"^EnvironmentFile=-(\S+)$", unit, re.M)[1]
        checked = subprocess.run(
            [f"{self.root}{binary}", "check", f"--config.file={self.root}{config}"], capture_output=True, text=True
        )
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertTrue(Path(f"{self.root}{default}").is_file())
        others = [path for path in self.root.glob("[eu]*/**/*") if path.owner() != "root" or path.stat().st_mode & 0o022]
        self.assertEqual(others, [])

    def test_a_config_outlives_an_upgrade_and_the_removal(self):
        config = self.root / "etc" / NAME / "config.yaml"
        self.dpkg("--install", self.package)
        config.write_text("regions: [eu-west-1]\n")
        self.dpkg("--install", self.package)
        self.assertEqual(config.read_text(), "regions: [eu-west-1]\n")
        self.dpkg("--remove", NAME)
        self.assertTrue(config.exists())
        self.assertFalse((self.root / "usr/bin" / NAME).exists())
        counters = self.root / "var/lib/private" / NAME / "counters"
        counters.parent.mkdir(parents=True)
        counters.touch()
        self.dpkg("--purge", NAME)
        left = [path for path in self.root.glob("[eu]*/**/*") if path.is_file()] + [*self.root.glob(f"**/{NAME}")]
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main()
