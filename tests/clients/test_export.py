"""`export`: what it writes is what the gateways themselves read; and a running exporter writes the same."""

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/python"))

import closed_loop  # noqa: E402

BINARY = os.environ.get("BQE_BINARY", str(ROOT / "target/debug/bedrock-quota-exporter"))
COST = re.compile(r"input_tokens - cached_input_tokens \+ (output_tokens( \* \d+u)?|uint\(double\(output_tokens\) \* [\d.]+\))")


def export(*arguments, **options):
    command = [BINARY, "export", "--demo", "--account=production", "--region=us-west-2", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=600, **options).stdout


class Exported(unittest.TestCase):
    def test_litellm_has_deployments_with_whole_limits(self):
        deployments = yaml.safe_load(export("--format=litellm", "--share=0.8"))["model_list"]
        self.assertGreater(len(deployments), 30)
        ids = [deployment["model_info"]["id"] for deployment in deployments]
        self.assertEqual(len(ids), len(set(ids)))
        for deployment in deployments:
            parameters = deployment["litellm_params"]
            self.assertEqual(parameters["aws_region_name"], "us-west-2")
            self.assertTrue(parameters["model"].startswith("bedrock/"))
            for limit in {"tpm", "rpm"} & parameters.keys():
                self.assertIsInstance(parameters[limit], int)
                self.assertGreater(parameters[limit], 0)

    @unittest.skipUnless(importlib.util.find_spec("litellm"), "litellm is not installed")
    def test_litellm_itself_reads_it(self):
        # Its list of prices, which it would look for elsewhere.
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        from litellm import Router

        model = "--model=anthropic.claude-sonnet-4-6"
        deployments = yaml.safe_load(export("--format=litellm", "--share=0.8", model))["model_list"]
        router = Router(model_list=deployments)
        told = router.get_deployment("000000000000/us-west-2/us.anthropic.claude-sonnet-4-6")
        self.assertEqual((told.model_name, told.litellm_params.tpm), ("anthropic.claude-sonnet-4-6", 4_800_000))

    def test_envoy_has_what_its_definition_asks_for(self):
        """As the CustomResourceDefinition quotapolicies.aigateway.envoyproxy.io, v1alpha1, has it."""
        policies = list(yaml.safe_load_all(export("--format=envoy", "--share=0.8")))
        self.assertTrue(policies)
        for policy in policies:
            self.assertEqual((policy["apiVersion"], policy["kind"]), ("aigateway.envoyproxy.io/v1alpha1", "QuotaPolicy"))
            self.assertRegex(policy["metadata"]["name"], r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
            self.assertEqual(policy["spec"].keys(), {"targetRefs", "perModelQuotas"})
            for target in policy["spec"]["targetRefs"]:
                self.assertEqual((target["group"], target["kind"]), ("aigateway.envoyproxy.io", "AIServiceBackend"))
            models = policy["spec"]["perModelQuotas"]
            self.assertTrue(0 < len(models) <= 128)
            for model in models:
                self.assertEqual(model.keys(), {"modelName", "quota"})
                self.assertEqual(model["quota"].keys(), {"costExpression", "defaultBucket"})
                self.assertRegex(model["quota"]["costExpression"], COST)
                bucket = model["quota"]["defaultBucket"]
                self.assertEqual(bucket["duration"], "1m")
                self.assertIsInstance(bucket["limit"], int)
                self.assertGreater(bucket["limit"], 0)
        sonnet = next(m for m in models if m["modelName"] == "us.anthropic.claude-sonnet-4-6")
        self.assertEqual(sonnet["quota"]["defaultBucket"]["limit"], 4_800_000)
        self.assertTrue(sonnet["quota"]["costExpression"].endswith("output_tokens * 5u"))

    def test_a_running_exporter_says_the_same(self):
        url = self.enterContext(demo())
        model = ["--model=anthropic.claude-sonnet-4-6", "--share=0.8"]
        with tempfile.TemporaryDirectory() as folder:
            for form in ("litellm", "envoy", "json"):
                file = Path(folder, form)
                asked = [BINARY, "export", f"--url={url}", "--account=production", "--region=us-west-2"]
                subprocess.run([*asked, f"--format={form}", *model, f"--output={file}"], check=True, timeout=60)
                self.assertEqual(file.read_text(), export(f"--format={form}", *model))


@contextlib.contextmanager
def demo():
    """The URL of a demo whose first round is over."""
    arguments = [BINARY, "demo", "--web.listen-address=127.0.0.1:0", "--log.format=json"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            told = map(closed_loop.fields, process.stderr)
            url = next(f"http://{line['address']}" for line in told if line.get("message") == "listening")
            threading.Thread(target=process.stderr.read, daemon=True).start()
            end = time.monotonic() + 300
            while not is_ready(url):
                if time.monotonic() > end:
                    raise AssertionError("the demo never became ready")
                threading.Event().wait(0.25)
            yield url
        finally:
            process.terminate()


def is_ready(url):
    try:
        return urllib.request.urlopen(f"{url}/-/ready", timeout=10).status == 200
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
