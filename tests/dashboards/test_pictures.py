"""Every dashboard in Grafana's own front end: all panels drawn, with data, without errors, nothing cut off.

BQE_GRAFANA names a folder that holds Grafana's `public/`; without it, or without chromium, this is left out.
"""

import copy
import os
import time
import unittest

import browser
import fixture
import front_end
import pictures
import prometheus
import queries

FOLDER = os.environ.get("BQE_GRAFANA")
# One of each panel is enough: a row repeated per region is the same row.
ONE_REGION = {"var-region": fixture.US, "var-model": fixture.SONNET}


@unittest.skipUnless(FOLDER and browser.find(), "dashboards in Grafana's front end: needs chromium, and BQE_GRAFANA to name "
                                                "the folder of its public/")
class Drawn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.now = int(time.time()) // 60 * 60
        cls.dashboards = {each["uid"]: pictures.opened(each) for each in queries.load()}
        url = cls.enterClassContext(prometheus.on(lambda out: fixture.write(cls.now, out)))
        cls.front_end = front_end.FrontEnd(FOLDER, cls.dashboards.values(), url)
        cls.url = cls.enterClassContext(front_end.served(cls.front_end))

    def wrong(self, dashboard, **chosen):
        chosen = {"from": f"{(self.now - queries.span(dashboard)) * 1000}", "to": f"{self.now * 1000}"} | chosen
        return pictures.look(self.url, dashboard, **chosen)

    def test_every_dashboard_shows_all_its_panels(self):
        for uid, dashboard in self.dashboards.items():
            with self.subTest(uid):
                self.assertEqual(self.wrong(dashboard, **ONE_REGION if uid.endswith("model") else {}), [])

    def test_what_is_wrong_is_seen(self):
        """A query that fails, and one that answers nothing without words for it."""
        broken = copy.deepcopy(self.dashboards["bedrock-quota-fleet"]) | {"uid": "broken"}
        broken["panels"][0]["targets"][0]["expr"] = "max("
        broken["panels"][1]["targets"][0]["expr"] = "nowhere"
        for each in broken["panels"][:2]:
            del each["fieldConfig"]["defaults"]["noValue"]
            each["fieldConfig"]["defaults"]["mappings"] = []
        self.front_end.dashboards["broken"] = broken
        wrong = self.wrong(broken)
        self.assertIn("a panel with an error", wrong)
        self.assertIn("a panel without data", wrong)


if __name__ == "__main__":
    unittest.main()
