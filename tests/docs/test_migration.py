"""The table of names in docs/MIGRATION.md: what the other exporters make of CloudWatch's names, and what is ours."""

import re
import unittest

import pages


class Names(unittest.TestCase):
    def test_every_metric_of_aws_bedrock_is_mapped(self):
        metrics = (pages.REPOSITORY / "docs" / "METRICS.md").read_text()
        rows = dict(re.findall(r"^\| `(bedrock_\w+)` \|.*\| CloudWatch AWS/Bedrock (\w+)", metrics, re.M))
        rows = {ours: theirs for ours, theirs in rows.items() if re.search(r"_(per_minute|total|latency_seconds|token_seconds)$", ours)}
        page = (pages.REPOSITORY / "docs" / "MIGRATION.md").read_text()
        table = page.split("## Names")[1].split("## ")[0]
        for ours, theirs in rows.items():
            if ours == "bedrock_quota_tokens_total":
                continue
            with self.subTest(ours):
                line = next((line for line in table.splitlines() if f"`{ours}" in line), "")
                self.assertIn(f"| `aws_bedrock_{snake(theirs)}_", line)


def snake(name):
    """As both write it: an underscore before a capital that follows a small letter."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


if __name__ == "__main__":
    unittest.main()
