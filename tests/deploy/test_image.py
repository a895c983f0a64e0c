"""The Dockerfile's steps, as far as they go without a builder of images."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BQE_BINARY")
NOBODY = "65534:65534"
CHROOT = shutil.which("chroot", path=f"{os.environ['PATH']}:/usr/sbin")


def step(words):
    """The one RUN that has these words."""
    steps = re.findall(r"^RUN (.*?[^\\])\n(?=\n|\Z)", (REPOSITORY / "Dockerfile").read_text(), re.M | re.S)
    (found,) = [step for step in steps if words in step]
    return found


def sh(script, folder):
    return subprocess.run(["sh", "-ec", script], cwd=folder, capture_output=True, text=True)


class StandIns(unittest.TestCase):
    def test_cargo_finds_every_target_that_cargo_toml_names(self):
        # Cargo looks for the targets before it looks for this one, which there is not: nothing is compiled.
        looked = step("mkdir src").replace("cargo build --release --locked", "cargo build --offline --locked --bin none")
        self.assertIn("--bin none", looked)
        with tempfile.TemporaryDirectory() as folder:
            for name in ("Cargo.toml", "Cargo.lock"):
                shutil.copy(REPOSITORY / name, folder)
            shutil.copytree(REPOSITORY / "crates", Path(folder) / "crates")
            done = sh(looked, folder)
        self.assertIn("no bin target named `none`", done.stderr)


@unittest.skipUnless(BINARY, "BQE_BINARY is not set")
@unittest.skipUnless(CHROOT and os.getuid() == 0, "only root may change the root folder: the image's files are not tried")
class Root(unittest.TestCase):
    """The image's files, from the step that gathers them, and nothing of this machine beside them."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        build = Path(folder.name, "build")
        (build / "target" / "release").mkdir(parents=True)
        shutil.copy(BINARY, build / "target" / "release" / "bedrock-quota-exporter")
        cls.root = Path(folder.name, "image")
        done = sh(step("ldd").replace("/image", str(cls.root)), build)
        assert done.returncode == 0, done.stderr
        # Of whoever runs it nothing is theirs.
        os.chmod(folder.name, 0o755)

    def inside(self, *arguments):
        command = [CHROOT, f"--userspec={NOBODY}", self.root, "/bedrock-quota-exporter", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env={})

    def test_the_exporter_finds_its_libraries_and_its_authorities(self):
        told = self.inside("--version")
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertIn("bedrock-quota-exporter ", told.stdout)
        checked = self.inside("check")
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_it_needs_no_file_that_it_could_write(self):
        read = self.inside("quotas", "--demo", "--account", "research", "--region", "us-east-1")
        self.assertEqual(read.returncode, 0, read.stderr)
        written = [path for path in self.root.rglob("*") if path.owner() != "root"]
        self.assertEqual(written, [])

    def test_nothing_else_is_in_it(self):
        files = {path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()}
        others = {file for file in files if not re.search(r"(^|/)(ld-linux[\w.-]*|lib[\w+-]+\.so\.\d+)$", file)}
        self.assertEqual(others, {"bedrock-quota-exporter", "etc/ssl/certs/ca-certificates.crt"})


class Settings(unittest.TestCase):
    def test_it_runs_as_nobody_and_asks_for_its_health(self):
        last = (REPOSITORY / "Dockerfile").read_text().split("FROM scratch")[1]
        self.assertIn(f"USER {NOBODY}\n", last)
        self.assertRegex(last, r'HEALTHCHECK .* CMD \["/bedrock-quota-exporter", "healthcheck"\]')


if __name__ == "__main__":
    unittest.main()
