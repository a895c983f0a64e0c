"""`mcp`, asked by an independent client of the protocol: over a running exporter's API, and over a snapshot."""

import asyncio
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from demo_exporter import BINARY, PATIENCE, SONNET, US_WEST_2, exporter
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

MODEL = "anthropic.claude-sonnet-4-6"
TOOLS = ["headroom", "findings", "quotas", "usage", "explain"]


def ask(arguments, calls):
    """The tools, and the answers to calls (name, arguments): text and whether it is an error."""

    async def session():
        server = StdioServerParameters(command=BINARY, args=["mcp", *arguments])
        with open(os.devnull, "w") as log:
            async with stdio_client(server, errlog=log) as (read, write), ClientSession(read, write) as client:
                await client.initialize()
                listed = (await client.list_tools()).tools
                answers = []
                for name, told in calls:
                    try:
                        answer = await client.call_tool(name, told)
                        answers.append((answer.content[0].text, bool(answer.is_error)))
                    except Exception as error:
                        answers.append((str(error), True))
                return listed, answers

    return asyncio.run(asyncio.wait_for(session(), PATIENCE))


class OfASnapshot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.file = str(Path(folder, "demo.jsonl.gz"))
        place = ["--account", "production", "--region", "us-west-2"]
        subprocess.run([BINARY, "snapshot", "save", "--demo", "--since", "2h", *place, cls.file], check=True,
                       stdout=subprocess.DEVNULL)

    def test_tools_are_listed_as_such_that_only_read(self):
        listed, _ = ask(["--from", self.file], [])
        self.assertEqual([tool.name for tool in listed], TOOLS)
        for tool in listed:
            self.assertTrue(tool.annotations.read_only_hint, tool)
            self.assertEqual(tool.input_schema["additionalProperties"], False)
            self.assertTrue(tool.description)

    def test_each_tool_answers(self):
        _, answers = ask(["--from", self.file], [
            ("headroom", {"model_id": SONNET}), ("findings", {}), ("quotas", {"model": MODEL}),
            ("usage", US_WEST_2), ("explain", {"model_id": SONNET}),
        ])
        told = {name: json.loads(text) for name, (text, wrong) in zip(TOOLS, answers) if not wrong}
        self.assertEqual(list(told), TOOLS, answers)
        [model] = told["headroom"]["targets"][0]["models"]
        self.assertEqual((model["model"], model["scope"]), ("anthropic.claude-sonnet-4-6", "cross_region"))
        [first, *_] = told["findings"]["findings"]
        self.assertTrue(first["remedies"])
        self.assertTrue(all("Sonnet 4.6" in row["name"] for row in told["quotas"]["targets"][0]["quotas"]))
        self.assertTrue(told["usage"]["targets"][0]["models"])
        [explained] = told["explain"]["ids"][0]["explained"]
        self.assertEqual(explained["quotas"]["tokens_per_minute"]["code"], "L-15B8E632")

    def test_a_model_is_its_whole_id(self):
        tools = ["headroom", "quotas", "usage"]
        asked = [MODEL, "claude-sonnet-4", "no.such-model"]
        _, answers = ask(["--from", self.file], [(tool, {"model": model}) for model in asked for tool in tools])
        headroom, quotas, usage = (json.loads(text)["targets"][0] for text, _ in answers[:3])
        self.assertEqual({model["model"] for model in headroom["models"]}, {MODEL})
        self.assertTrue(quotas["quotas"])
        self.assertEqual({model["model"] for model in usage["models"]}, {MODEL})
        for text, wrong in answers[3:6]:
            self.assertTrue(wrong, text)
            self.assertRegex(text, 'model: found "claude-sonnet-4", expected a whole base model id; there are .*' + MODEL)
        for text, wrong in answers[6:]:
            self.assertEqual((text, wrong), ('model: found "no.such-model"; no base model here contains it', True))

    def test_hostile_questions_are_answered_by_errors_in_words(self):
        _, answers = ask(["--from", self.file], [
            ("headroom", {}), ("headroom", {"scope": "everywhere"}), ("quotas", {"region": 7}),
            ("quotas", {"path": "/etc/passwd"}), ("explain", {}), ("usage", {"region": "mars-1"}),
            ("explain", {"model_id": "\x1b[31m" + "x" * 5000}), ("delete_everything", {}), ("findings", {}),
        ])
        said = ["nothing is known of such a model", "scope: found", "region: found no text", "found the argument",
                "model_id: found nothing", "there are: production", "model_id: found 5005 characters",
                "found the tool \"delete_everything\""]
        for words, (text, wrong) in zip(said, answers):
            self.assertTrue(wrong and words in text, (words, text, wrong))
        self.assertFalse(answers[-1][1], "it still answers")

    def test_standard_output_carries_the_protocol_alone_and_the_log_goes_elsewhere(self):
        lines = ["no JSON at all", "{}", '{"jsonrpc": "2.0", "id": 1, "method": "nothing"}', "[1, 2", json.dumps({
            "jsonrpc": "2.0", "id": 2, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})]
        done = subprocess.run([BINARY, "mcp", "--from", self.file, "--log.level=debug"], input="\n".join(lines) + "\n",
                              capture_output=True, text=True, timeout=PATIENCE)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertTrue(all(answer["jsonrpc"] == "2.0" for answer in answers), done.stdout)
        self.assertTrue(done.stderr)


class OfAnExporter(unittest.TestCase):
    def test_each_tool_answers_from_its_api(self):
        with exporter() as url:
            _, answers = ask(["--url", url], [
                ("headroom", {"model_id": SONNET, **US_WEST_2}), ("findings", {}),
                ("quotas", {"model": MODEL, **US_WEST_2}), ("usage", US_WEST_2),
                ("explain", {"model_id": SONNET, **US_WEST_2}), ("quotas", {"model": "claude-sonnet-4-6", **US_WEST_2}),
                ("headroom", {"account": "nobody"}),
            ])
        told = {name: json.loads(text) for name, (text, wrong) in zip(TOOLS, answers) if not wrong}
        self.assertEqual(list(told), TOOLS, answers)
        codes = [item["quota_code"] for item in told["headroom"]["items"]]
        self.assertIn("L-15B8E632", codes)
        self.assertTrue(any(item["remedies"] for item in told["findings"]["items"]))
        names = [item["quota_name"] for item in told["quotas"]["items"]]
        self.assertTrue(names and all("Sonnet 4.6" in name for name in names), names)
        self.assertTrue(told["usage"]["ids"] and told["usage"]["quotas"])
        self.assertEqual([item["quota_code"] for item in told["explain"]["spends"]], codes)
        text, wrong = answers[-2]
        self.assertTrue(wrong and "no watched target has such a quota" in text, text)
        text, wrong = answers[-1]
        self.assertTrue(wrong and "nobody" in text, text)

    def test_what_cannot_be_reached_or_understood_is_said(self):
        _, [(text, wrong)] = ask(["--url", "http://127.0.0.1:9"], [("findings", {})])
        self.assertTrue(wrong and "no answer from 127.0.0.1:9" in text, text)
        for arguments, code, said in (([], 1, "give --url"), (["--url", "localhost"], 2, "'localhost' for '--url <URL>'")):
            done = subprocess.run([BINARY, "mcp", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (code, ""), arguments)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
