"""The Dockerfile's step that builds the dependencies alone, as far as it goes without docker."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


class StandIns(unittest.TestCase):
    def test_cargo_finds_every_target_that_cargo_toml_names(self):
        dockerfile = (REPOSITORY / "Dockerfile").read_text()
        step = re.search(r"^RUN (mkdir -p src .*?)\n\n", dockerfile, re.M | re.S)[1]
        self.assertIn("cargo build --release --locked", step)
        # Cargo looks for the targets before it looks for this one, which there is not: nothing is compiled.
        looked = step.replace("cargo build --release --locked", "cargo build --offline --locked --bin none")
        with tempfile.TemporaryDirectory() as folder:
            for name in ("Cargo.toml", "Cargo.lock"):
                shutil.copy(REPOSITORY / name, folder)
            shutil.copytree(REPOSITORY / "crates", Path(folder) / "crates")
            done = subprocess.run(["sh", "-ec", looked], cwd=folder, capture_output=True, text=True)
        self.assertIn("no bin target named `none`", done.stderr)


if __name__ == "__main__":
    unittest.main()
