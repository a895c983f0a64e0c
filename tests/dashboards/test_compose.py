"""What `make grafana` starts fits together. No engine is needed: the files say it."""

import re
import subprocess
import unittest
from pathlib import Path

import yaml

import lint
import prometheus

COMPOSE = lint.REPOSITORY / "deploy" / "compose"
PROVISIONING = lint.DASHBOARDS / "provisioning"


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.services = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]
        cls.prometheus = yaml.safe_load((COMPOSE / "prometheus.yml").read_text())

    def mounted(self, service):
        """Path within the container → path here."""
        parts = [volume.split(":") for volume in self.services[service]["volumes"]]
        return {inside: (COMPOSE / here).resolve() for here, inside, *_ in parts if here.startswith(".")}

    def test_everything_mounted_is_there(self):
        made = lint.REPOSITORY / "target" / "grafana"       # by `make grafana`
        for service in ("prometheus", "alertmanager", "grafana", "past"):
            for path in self.mounted(service).values():
                self.assertTrue(path == made or path.exists(), path)

    def test_grafana_finds_the_dashboards_and_prometheus(self):
        mounted = self.mounted("grafana")
        provider = yaml.safe_load((PROVISIONING / "dashboards.yaml").read_text())["providers"][0]
        self.assertEqual(mounted[provider["options"]["path"]], lint.DASHBOARDS)
        home = self.services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        self.assertTrue((lint.DASHBOARDS / Path(home).name).exists(), home)
        source = yaml.safe_load((PROVISIONING / "datasource.yaml").read_text())["datasources"][0]
        self.assertIn(re.fullmatch(r"http://(\w+):9090", source["url"])[1], self.services)
        self.assertEqual({str(path) for path in mounted.values() if path.parent == PROVISIONING},
                         {str(PROVISIONING / name) for name in ("dashboards.yaml", "datasource.yaml")})

    def test_prometheus_scrapes_the_demo_and_has_the_alerts(self):
        subprocess.run([prometheus.need("promtool"), "check", "config", "--syntax-only", COMPOSE / "prometheus.yml"],
                       check=True, stdout=subprocess.DEVNULL)
        job, = self.prometheus["scrape_configs"]
        self.assertIn(job["static_configs"][0]["targets"][0].split(":")[0], self.services)
        alerts = self.mounted("prometheus")["/etc/prometheus/alerts"]
        for pattern in self.prometheus["rule_files"]:
            self.assertTrue(list(alerts.parent.glob(pattern)), pattern)

    def test_prometheus_tells_the_alertmanager(self):
        told, = self.prometheus["alerting"]["alertmanagers"]
        self.assertIn(told["static_configs"][0]["targets"][0].split(":")[0], self.services)
        self.assertTrue(self.mounted("alertmanager")["/etc/alertmanager/alertmanager.yml"].exists())


if __name__ == "__main__":
    unittest.main()
