"""The image: its steps by themselves, and where buildah is, built by it; only the compiler is another."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

for folder in ("alerts", "web"):
    sys.path.append(str(Path(__file__).resolve().parents[1] / folder))
import certificates  # noqa: E402
import servers  # noqa: E402

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

    def command(self, *arguments):
        return [CHROOT, f"--userspec={NOBODY}", self.root, "/bedrock-quota-exporter", *arguments]

    def inside(self, *arguments, env=None):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60, env=env or {})

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

    def test_it_tells_its_health_over_tls_too(self):
        """As in a container: both processes have the same variables."""
        own = self.root / "tls"
        own.mkdir()
        self.addCleanup(shutil.rmtree, own)
        certificates.self_signed(own, "localhost")
        (own / "localhost.key").chmod(0o644)
        (own / "web.yml").write_text("tls_server_config: {cert_file: localhost.crt, key_file: localhost.key}\n")
        name = "BEDROCK_QUOTA_EXPORTER_WEB"
        env = {f"{name}_CONFIG_FILE": "/tls/web.yml", f"{name}_LISTEN_ADDRESS": f"127.0.0.1:{servers.free_port()}"}
        with subprocess.Popen(self.command("demo"), env=env, stderr=subprocess.PIPE) as exporter:
            try:
                while b"listening" not in exporter.stderr.readline():
                    self.assertIsNone(exporter.poll())
                checked = self.inside("healthcheck", env=env)
                self.assertEqual(checked.returncode, 0, checked.stderr)
                self.assertNotEqual(self.inside("healthcheck").returncode, 0, "without TLS")
            finally:
                exporter.kill()

    def test_nothing_else_is_in_it(self):
        files = {path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()}
        others = {file for file in files if not re.search(r"(^|/)(ld-linux[\w.-]*|lib[\w+-]+\.so\.\d+)$", file)}
        self.assertEqual(others, {"bedrock-quota-exporter", "etc/ssl/certs/ca-certificates.crt"})


@unittest.skipUnless(BINARY, "BQE_BINARY is not set")
@unittest.skipUnless(shutil.which("buildah") and os.getuid() == 0, "buildah or root is missing: the image is not built by a builder")
class Built(unittest.TestCase):
    """`make image` as it stands, on this machine's own Debian, with a cargo that has compiled already."""

    CARGO = "#!/bin/sh\nmkdir -p target/release && cp /base/exporter target/release/bedrock-quota-exporter\n"

    def test_make_image_makes_one_that_runs_as_nobody_and_asks_for_its_health(self):
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder, "base")
            base.mkdir()
            shutil.copy(BINARY, base / "exporter")
            (base / "cargo").write_text(self.CARGO)
            (base / "cargo").chmod(0o755)
            own = f"--root {folder}/images --runroot {folder}/run --storage-driver vfs"
            self.make_base(folder, own)
            # The first builder that make looks for; it is buildah, with places of its own and folders of this machine.
            builder = Path(folder, "tools", "docker")
            builder.parent.mkdir()
            seen = " ".join(f"--volume {path}:{path}:ro" for path in ("/usr", "/etc/ssl")) + f" --volume {base}:/base:ro"
            run = f'exec buildah {own} "$command" {seen} --build-arg BUILD_IMAGE=localhost/base "$@"'
            builder.write_text(f"#!/bin/sh\ncommand=$1\nshift\n{run}\n")
            builder.chmod(0o755)
            path = f"{builder.parent}:{os.environ['PATH']}"
            made = self.run_("make", "image", PATH=path, BUILDAH_ISOLATION="chroot")
            self.assertIn("COMMIT", made)
            told = json.loads(self.run_("buildah", *own.split(), "inspect", "--type", "image", "bedrock-quota-exporter"))
            shown = told["Docker"]["config"]
            self.assertEqual(shown["User"], NOBODY)
            self.assertEqual(shown["Healthcheck"]["Test"], ["CMD", "/bedrock-quota-exporter", "healthcheck"])
            self.assertEqual((shown["Entrypoint"], shown["Cmd"]), (["/bedrock-quota-exporter"], ["serve"]))

    def make_base(self, folder, own):
        context = Path(folder, "context")
        (context / "root").mkdir(parents=True)
        for name in ("bin", "lib", "lib64"):
            (context / "root" / name).symlink_to(f"usr/{name}")
        (context / "Dockerfile").write_text("FROM scratch\nCOPY root /\nENV PATH=/base:/usr/bin\n")
        self.run_("buildah", *own.split(), "build", "--tag=base", context)

    def run_(self, *command, **env):
        done = subprocess.run(list(map(str, command)), cwd=REPOSITORY, capture_output=True, text=True, timeout=600, env=os.environ | env)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout


if __name__ == "__main__":
    unittest.main()
