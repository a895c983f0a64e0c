"""The recipes of remote write in docs/OPERATING.md, loaded by what reads them; the agent's also sends."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

import go_tools
import pages
import yaml

sys.path.append(str(Path(__file__).resolve().parents[1] / "alerts"))
import servers  # noqa: E402

BINARY = os.environ.get("BQE_BINARY")
COLLECTOR = Path(__file__).with_name("collector")
BUILT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "bedrock-quota-exporter", "tools", "collector")
EXPORTER = "bedrock-quota-exporter:10469"
STORE = "https://mimir.example.org/api/v1/push"


def recipe(language, kind=""):
    (found,) = [block for block in pages.blocks(language) if block.kind == kind and STORE in block.text]
    return found.text


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=servers.PATIENCE)


class Agent(unittest.TestCase):
    @unittest.skipUnless(BINARY, "BQE_BINARY is not set")
    def test_what_the_exporter_shows_arrives_under_its_own_names(self):
        with tempfile.TemporaryDirectory() as folder, store(folder) as prometheus, demo(folder) as exporter:
            Path(folder, "password").write_text("x")
            text = recipe("yaml", "agent").replace("/etc/prometheus/password", f"{folder}/password")
            text = text.replace(STORE, f"{prometheus}/api/v1/write").replace(EXPORTER, exporter.removeprefix("http://"))
            config = Path(folder, "agent.yml")
            config.write_text(text.replace("scrape_interval: 1m", "scrape_interval: 1s"))
            with agent(folder, config):
                shown = names(urllib.request.urlopen(f"{exporter}/metrics", timeout=servers.PATIENCE).read().decode())
                self.assertGreater(len(shown), 50)
                servers.wait_until(lambda: shown <= stored(prometheus), servers.PATIENCE, "every family to arrive")
                told = values(prometheus, "bedrock_exporter_build_info")
                self.assertEqual({series["cluster"] for series in told}, {"tools"})


def names(text):
    """Of the samples on a page."""
    return set(re.findall(r"^(bedrock_\w+)", text, re.M))


def values(prometheus, query):
    answer = servers.get(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    return [series["metric"] for series in answer["data"]["result"]]


def stored(prometheus):
    return {series["__name__"] for series in values(prometheus, '{__name__=~"bedrock_.+"}')}


def demo(folder):
    port = servers.free_port()
    return servers.process(folder, port, BINARY, "demo", f"--web.listen-address=127.0.0.1:{port}")


def store(folder):
    """A Prometheus that takes what others send."""
    port = servers.free_port()
    config = Path(folder, "store.yml")
    config.write_text("global: {}\n")
    flags = (f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address=127.0.0.1:{port}")
    return servers.process(folder, port, "prometheus", *flags, "--web.enable-remote-write-receiver")


def agent(folder, config):
    port = servers.free_port()
    version = run("prometheus", "--version").stdout
    is_old = re.search(r"version 2\.", version) is not None
    mode = "--enable-feature=agent" if is_old else "--agent"
    flags = (f"--config.file={config}", f"--storage.agent.path={folder}/agent", f"--web.listen-address=127.0.0.1:{port}")
    return servers.process(folder, port, "prometheus", mode, *flags)


class Collector(unittest.TestCase):
    def test_its_receiver_is_given_what_prometheus_takes(self):
        scrapes = yaml.safe_load(recipe("yaml", "collector"))["receivers"]["prometheus"]["config"]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "prometheus.yml")
            file.write_text(yaml.safe_dump(scrapes))
            checked = run("promtool", "check", "config", file)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_the_collector_takes_it_and_refuses_what_it_does_not_know(self):
        text = recipe("yaml", "collector")
        self.assertEqual(self.judged(text), "")
        self.assertIn("invalid keys: endpiont", self.judged(text.replace("endpoint:", "endpiont:")))
        self.assertIn("references exporter \"nowhere\"", self.judged(text.replace("exporters: [prometheusremotewrite]", "exporters: [nowhere]")))

    def judged(self, text):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "collector.yaml")
            file.write_text(text)
            done = run(collector(), "validate", f"--config={file}")
        return done.stderr if done.returncode else ""


def collector():
    """Built by Go, once; where it cannot be, its tests are left out."""
    if shutil.which("go") is None:
        raise unittest.SkipTest("Go is missing: the collector is not built")
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(["go", "build", "-o", BUILT, "."], cwd=COLLECTOR, capture_output=True, text=True)
    if built.returncode:
        if os.environ.get("CI"):
            raise AssertionError(built.stderr)
        raise unittest.SkipTest("the collector could not be built by Go")
    return BUILT


class Alloy(unittest.TestCase):
    """No registry has Alloy's parser. Its form is HCL's but for the dots in the names of blocks."""

    def test_it_parses_as_hcl(self):
        text = re.sub(r"^(\w+)\.(\w+) (?=\")", r"\1_\2 ", recipe("river"), flags=re.M)
        self.assertTrue(self.is_hcl(text))
        self.assertFalse(self.is_hcl(text.replace("}]", "]")))

    def is_hcl(self, text):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "alloy.hcl")
            file.write_text(text)
            return run(go_tools.need("hclfmt"), "-check", file).returncode == 0

    def test_every_component_that_is_sent_to_is_there(self):
        text = recipe("river")
        there = {f"{kind}.{label}" for kind, label in re.findall(r'^([\w.]+) "(\w+)" \{$', text, re.M)}
        sent = set(re.findall(r"\[([\w.]+)\.receiver\]", text))
        self.assertTrue(sent)
        self.assertLessEqual(sent, there)


if __name__ == "__main__":
    unittest.main()
