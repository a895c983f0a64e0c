"""Links lead somewhere, names exist."""

import re
import unittest

import catalogue
import pages
import yaml


class Links(unittest.TestCase):
    def test_every_link_to_a_file_and_a_heading_leads_there(self):
        count = 0
        for page in pages.PAGES:
            for link in re.findall(r"\]\(([^)\s]+)\)", pages.prose(page)):
                if re.match(r"\w+:", link):
                    continue
                count += 1
                path, _, anchor = link.partition("#")
                target = (page.parent / path).resolve() if path else page
                with self.subTest(str(page.relative_to(pages.REPOSITORY)), link=link):
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, pages.anchors(target))
        self.assertGreater(count, 100)

    def test_the_index_has_every_document(self):
        index = (pages.REPOSITORY / "docs" / "README.md").read_text()
        linked = set(re.findall(r"\]\((\w+\.md)", index))
        self.assertEqual({page.name for page in (pages.REPOSITORY / "docs").glob("*.md")} - {"README.md"}, linked)


class Names(unittest.TestCase):
    def test_every_metric_that_is_named_exists(self):
        known = set(catalogue.read().labels) | {"bedrock_quota_exporter", "bedrock_quota_client"}
        # Of histograms, and what recording rules begin with.
        known |= {f"{name}_bucket" for name in known}
        for page in pages.PAGES:
            text = re.sub(r"aws_bedrock_\w+|\b\w+:bedrock_\w+:\w+", "", page.read_text())
            named = {name for name in re.findall(r"(?<![\w-])bedrock_[a-z0-9_]*[a-z0-9](?![\w*…])", text)}
            with self.subTest(str(page.relative_to(pages.REPOSITORY))):
                self.assertEqual(named - known, set())

    def test_every_alert_that_is_named_exists(self):
        alerts = set()
        for file in (pages.REPOSITORY / "alerts").glob("*.yaml"):
            groups = yaml.safe_load(file.read_text())["groups"]
            alerts |= {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
        for page in pages.PAGES:
            named = set(re.findall(r"(?<!/)\bBedrock[A-Z][a-z]\w+", pages.prose(page))) - {"BedrockMantle"}
            with self.subTest(str(page.relative_to(pages.REPOSITORY))):
                self.assertEqual(named - alerts, set())

    def test_every_key_of_the_config_that_is_named_is_explained(self):
        """Where a page says `section.key`; JSON.md speaks of other trees."""
        reference = (pages.REPOSITORY / "docs" / "CONFIGURATION.md").read_text()
        known = {key.replace("[]", "") for key in re.findall(r"^\| `([\w\[\].]+)` \|", reference, re.M)}
        sections = {key.split(".")[0] for key in known if "." in key}
        for page in pages.PAGES:
            if page.name == "JSON.md":
                continue
            for key in re.findall(r"`(\w+(?:\[\])?(?:\.\w+)+)`", pages.prose(page)):
                key = key.replace("[]", "")
                if key.split(".")[0] in sections:
                    with self.subTest(str(page.relative_to(pages.REPOSITORY)), key=key):
                        self.assertTrue(any(begins(one, key) or begins(key, one) for one in known))


def begins(path, with_path):
    return f"{path}.".startswith(f"{with_path}.")


if __name__ == "__main__":
    unittest.main()
