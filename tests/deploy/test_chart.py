"""The chart: what it renders is valid, and says what its values say."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import chart
import go_tools
import schemas
import yaml

BINARY = os.environ.get("BQE_BINARY")


def setUpModule():
    go_tools.need("helm")


class Valid(unittest.TestCase):
    def test_helm_lints_every_values_file_strictly(self):
        for path in chart.CI:
            with self.subTest(path.name):
                code, said = chart.helm("lint", "--strict", chart.CHART, "--values", path)
                self.assertEqual(code, 0, said)

    def test_every_object_of_every_values_file_is_valid(self):
        kinds = set()
        for path in chart.CI:
            for one in chart.of_file(path):
                kinds.add(one["kind"])
                with self.subTest(path.name, kind=one["kind"], name=one["metadata"]["name"]):
                    self.assertIsNone(schemas.complaints(one))
        self.assertLessEqual({"StatefulSet", "ServiceMonitor", "PrometheusRule", "NetworkPolicy"}, kinds)

    def test_the_schemas_refuse_what_is_wrong(self):
        made = chart.of(serviceMonitor={"enabled": True}, prometheusRule={"enabled": True})
        made["ServiceMonitor"]["spec"]["endpoints"][0]["intervall"] = "1m"
        self.assertEqual(schemas.complaints(made["ServiceMonitor"]), "ServiceMonitor.spec.endpoints[].intervall: unknown")
        made["PrometheusRule"]["spec"]["groups"][0]["interval"] = "soon"
        self.assertIn("interval", schemas.complaints(made["PrometheusRule"]))
        made["StatefulSet"]["spec"]["shards"] = 2
        self.assertIn("shards", schemas.complaints(made["StatefulSet"]))

    def test_no_two_objects_share_a_name(self):
        for path in chart.CI:
            names = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in chart.of_file(path)]
            with self.subTest(path.name):
                self.assertEqual(len(names), len(set(names)), names)

    def test_every_key_is_in_the_schema_and_every_mistake_is_refused(self):
        for values, expected in [
            ({"shard": 2}, "shard"),
            ({"shards": 0}, "shards"),
            ({"shards": "two"}, "shards"),
            ({"log": {"level": "loud"}}, "level"),
            ({"image": {"digest": "latest"}}, "digest"),
            ({"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "reader"}}}, "role-arn"),
            ({"serviceMonitor": {"interval": "often"}}, "interval"),
            ({"podDisruptionBudget": {"maxUnavailable": "all"}}, "maxUnavailable"),
            ({"web": {"config": {"tls_config": {}}}}, "tls_config"),
            ({"web": {"config": {"basic_auth_users": {"alice": "secret"}}}}, "alice"),
            ({"web": {"tlsSecret": "tls"}}, "expected a tls_server_config"),
            ({"web": {"config": {"tls_server_config": {"cert_file": "tls.crt"}}}, "reloader": {"enabled": True}}, "expected one of the two"),
            ({"existingConfigMap": "mine", "config": {"regions": ["us-east-1"]}}, "expected one of the two"),
        ]:
            with self.subTest(values):
                self.assertIn(expected, chart.refusal(**values))


class Config(unittest.TestCase):
    @unittest.skipUnless(BINARY, "BQE_BINARY is not set")
    def test_the_exporter_takes_every_config_that_is_rendered(self):
        texts = [(path.name, one["data"]["config.yaml"]) for path in chart.CI for one in chart.of_file(path)
                 if one["kind"] == "ConfigMap" and "config.yaml" in one.get("data", {})]
        texts.append(("kustomize", (chart.REPOSITORY / "deploy/kustomize/base/config.yaml").read_text()))
        self.assertGreater(len(texts), 3)
        for name, text in texts:
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "config.yaml")
                file.write_text(text)
                environment = {**os.environ, "EXTERNAL_ID": "x", "AWS_REGION": "us-east-1"}
                done = subprocess.run([BINARY, "check", f"--config.file={file}"], env=environment, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)

    @unittest.skipUnless(BINARY, "BQE_BINARY is not set")
    def test_the_exporter_knows_every_argument_that_is_rendered(self):
        """An unknown one is told before anything else."""
        for path in chart.CI:
            stateful_set = next(one for one in chart.of_file(path) if one["kind"] == "StatefulSet")
            environment = {**os.environ, "HOSTNAME": "test-0"}
            arguments = chart.exporter(stateful_set)["args"]
            done = subprocess.run([BINARY, *arguments], env=environment, capture_output=True, text=True, timeout=60)
            with self.subTest(path.name):
                self.assertIn("/etc/bedrock-quota-exporter/config.yaml", done.stderr)
                self.assertNotIn("argument", done.stderr)

    def test_a_changed_config_starts_the_pods_anew_unless_it_is_read_again(self):
        def annotations(**values):
            return chart.of(**values)["StatefulSet"]["spec"]["template"]["metadata"].get("annotations")

        one, other = ({"regions": [region]} for region in ("us-east-1", "us-west-2"))
        self.assertNotEqual(annotations(config=one), annotations(config=other))
        reloaded = {"reloader": {"enabled": True}}
        self.assertEqual(annotations(config=one, **reloaded), annotations(config=other, **reloaded))
        self.assertIn("--web.enable-lifecycle", chart.exporter(chart.of(**reloaded)["StatefulSet"])["args"])
        self.assertNotIn("--web.enable-lifecycle", chart.exporter(chart.of()["StatefulSet"])["args"])

    def test_the_exporter_is_told_how_often_it_is_scraped(self):
        def told(interval, config):
            made = chart.of(serviceMonitor={"enabled": True, "interval": interval}, config=config)
            config = yaml.safe_load(made["ConfigMap"]["data"]["config.yaml"])
            return config.get("scrape_interval"), made["ServiceMonitor"]["spec"]["endpoints"][0]["interval"]

        self.assertEqual(told("", {}), (None, "1m"))
        self.assertEqual(told("30s", {}), ("30s", "30s"))
        self.assertEqual(told("", {"scrape_interval": "15s"}), ("15s", "15s"))
        self.assertEqual(told("30s", {"scrape_interval": "15s"}), ("15s", "30s"))


class WebConfig(unittest.TestCase):
    TLS = {"tls_server_config": {"cert_file": "tls.crt", "key_file": "tls.key"}}
    MUTUAL = {"tls_server_config": TLS["tls_server_config"] | {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "ca.crt"}}
    USERS = {"basic_auth_users": {"prometheus": "$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq"}}

    def probes(self, config, **values):
        container = chart.exporter(chart.of(web={"config": config}, **values)["StatefulSet"])
        return [container[f"{name}Probe"] for name in ("liveness", "readiness")]

    def test_probes_speak_as_the_web_config_says(self):
        schemes = lambda config: [probe["httpGet"].get("scheme") for probe in self.probes(config)]  # noqa: E731
        self.assertEqual(schemes({}), [None, None])
        self.assertEqual(schemes({"rate_limit": {"interval": "1s", "burst": 9}}), [None, None])
        self.assertEqual(schemes(self.TLS), ["HTTPS", "HTTPS"])
        for config in (self.USERS, self.MUTUAL, self.TLS | self.USERS):
            for probe in self.probes(config):
                self.assertNotIn("httpGet", probe)
                self.assertEqual(probe["tcpSocket"], {"port": "http"})

    def test_probes_with_a_header_of_their_own_keep_it_where_it_is_enough(self):
        header = [{"name": "Authorization", "value": "Basic x"}]
        own = {"livenessProbe": {"httpGet": {"httpHeaders": header}}, "readinessProbe": {"httpGet": {"httpHeaders": header}}}
        for probe in self.probes(self.TLS | self.USERS, **own):
            self.assertEqual((probe["httpGet"]["httpHeaders"], probe["httpGet"]["scheme"]), (header, "HTTPS"))
        for probe in self.probes(self.MUTUAL | self.USERS, **own):
            self.assertEqual(probe["tcpSocket"], {"port": "http"})

    def test_the_notes_say_how_it_is_reached(self):
        tls = {"cert_file": "tls.crt", "key_file": "tls.key"}
        mutual = {**tls, "client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "ca.crt"}
        user = {"basic_auth_users": {"prometheus": "$2y$05$" + "x" * 53}}
        to = "--connect-to ::localhost:10469"
        for config, said in [
            ({}, "# http://localhost:10469/ tells"),
            (user, "# http://localhost:10469/ tells"),
            ({"tls_server_config": tls}, f"curl --cacert ca.crt {to}"),
            ({"tls_server_config": tls, **user}, f"curl --cacert ca.crt --user NAME {to}"),
            ({"tls_server_config": mutual}, f"curl --cacert ca.crt --cert client.crt --key client.key {to}"),
        ]:
            values = {"web": {"config": config, "tlsSecret": "tls" if "tls_server_config" in config else ""}}
            code, notes = chart.helm("install", "test", chart.CHART, "--dry-run=client", values=values)
            self.assertEqual(code, 0, notes)
            with self.subTest(said):
                self.assertIn(said, notes.split("NOTES:")[1])
                self.assertEqual("https://" in notes.split("NOTES:")[1], "tls_server_config" in config)

    def test_the_monitor_speaks_as_the_web_config_says(self):
        def endpoint(config, secret="", **monitor):
            made = chart.of(web={"config": config, "tlsSecret": secret}, serviceMonitor={"enabled": True, **monitor}, namespaceOverride="here")
            return made["ServiceMonitor"]["spec"]["endpoints"][0]

        self.assertNotIn("scheme", endpoint({}))
        self.assertEqual(endpoint(self.TLS)["scheme"], "https")
        self.assertNotIn("tlsConfig", endpoint(self.TLS))
        by_secret = endpoint(self.TLS, "exporter-tls")["tlsConfig"]
        self.assertEqual(by_secret, {"ca": {"secret": {"name": "exporter-tls", "key": "ca.crt"}}, "serverName": "test-bedrock-quota-exporter.here.svc"})
        own = {"insecureSkipVerify": True}
        self.assertEqual(endpoint(self.TLS, "exporter-tls", tlsConfig=own)["tlsConfig"], own)
        user = {"username": {"name": "user", "key": "name"}, "password": {"name": "user", "key": "password"}}
        self.assertEqual(endpoint(self.USERS, basicAuth=user)["basicAuth"], user)

    @unittest.skipUnless(BINARY and shutil.which("openssl"), "BQE_BINARY is not set, or openssl is missing")
    def test_the_exporter_finds_the_files_that_are_mounted_beside_each_other(self):
        made = [one for one in chart.of_file(chart.CHART / "ci" / "web-values.yaml")]
        secret = next(one for one in made if one["kind"] == "Secret")
        pod = next(one for one in made if one["kind"] == "StatefulSet")["spec"]["template"]["spec"]
        volume = next(one for one in pod["volumes"] if one["name"] == "web")
        self.assertEqual([source["secret"]["name"] for source in volume["projected"]["sources"]], [secret["metadata"]["name"], "bedrock-quota-exporter-tls"])
        mount = next(one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "web")["mountPath"]
        self.assertIn(f"--web.config.file={mount}/web.yml", pod["containers"][0]["args"])
        with tempfile.TemporaryDirectory() as folder:
            made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=x"]
            subprocess.run([*made, "-keyout", "tls.key", "-out", "tls.crt"], cwd=folder, check=True, capture_output=True)
            shutil.copy(Path(folder, "tls.crt"), Path(folder, "ca.crt"))
            file = Path(folder, "web.yml")
            file.write_text(secret["stringData"]["web.yml"])
            done = subprocess.run([BINARY, "check", f"--web.config.file={file}"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)


class Objects(unittest.TestCase):
    def test_shards_are_pods_that_know_their_number(self):
        for shards, expected in [(1, []), (3, ["--shard=auto/3"])]:
            made = chart.of(shards=shards)["StatefulSet"]
            self.assertEqual(made["spec"]["replicas"], shards)
            self.assertEqual([a for a in chart.exporter(made)["args"] if a.startswith("--shard")], expected)

    def test_the_service_has_every_pod_and_the_monitor_finds_the_service(self):
        made = chart.of(serviceMonitor={"enabled": True, "namespace": "monitoring"}, namespaceOverride="here")
        service, monitor, stateful_set = (made[kind] for kind in ("Service", "ServiceMonitor", "StatefulSet"))
        pods = stateful_set["spec"]["template"]["metadata"]["labels"]
        self.assertLessEqual(service["spec"]["selector"].items(), pods.items())
        self.assertEqual(service["spec"]["clusterIP"], "None")
        self.assertEqual(stateful_set["spec"]["serviceName"], service["metadata"]["name"])
        self.assertLessEqual(monitor["spec"]["selector"]["matchLabels"].items(), service["metadata"]["labels"].items())
        self.assertEqual(monitor["spec"]["namespaceSelector"], {"matchNames": ["here"]})
        self.assertEqual(monitor["metadata"]["namespace"], "monitoring")

    def test_every_container_of_the_chart_is_restricted(self):
        """As the Pod Security Standard of this name asks."""
        spec = chart.of(reloader={"enabled": True})["StatefulSet"]["spec"]["template"]["spec"]
        self.assertTrue(spec["securityContext"]["runAsNonRoot"])
        self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertEqual(len(spec["containers"]), 2)
        for container in spec["containers"]:
            context = container["securityContext"]
            self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
            self.assertEqual((context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]), (False, True))
        self.assertFalse(spec["automountServiceAccountToken"])

    def test_the_image_is_told_by_tag_or_digest(self):
        def image(**values):
            return chart.exporter(chart.of(image=values)["StatefulSet"])["image"]

        version = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["appVersion"]
        self.assertEqual(image(), f"bedrock-quota-exporter:{version}")
        self.assertEqual(image(repository="r/x", tag="2"), "r/x:2")
        self.assertEqual(image(repository="r/x", tag="2", digest="sha256:" + "0" * 64), "r/x@sha256:" + "0" * 64)

    def test_dashboards_are_the_files_and_carry_the_sidecar_s_label(self):
        maps = [one for one in chart.of_file(chart.CHART / "ci" / "operator-values.yaml") if one["kind"] == "ConfigMap"]
        shown = {name: (one, json.loads(text)) for one in maps for name, text in one["data"].items() if name.endswith(".json")}
        files = {path.name: json.loads(path.read_text()) for path in (chart.REPOSITORY / "dashboards").glob("*.json")}
        self.assertEqual({name: content for name, (_, content) in shown.items()}, files)
        for one, _ in shown.values():
            self.assertEqual(one["metadata"]["labels"]["grafana_dashboard"], "1")
            # What a client-side `kubectl apply` can take.
            self.assertLess(len(json.dumps(one)), 262_144)

    def test_the_version_is_the_exporter_s(self):
        cargo = (chart.REPOSITORY / "Cargo.toml").read_text()
        about = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())
        self.assertIn(f'\nversion = "{about["appVersion"]}"\n', cargo)
        self.assertEqual(about["version"], about["appVersion"])


if __name__ == "__main__":
    unittest.main()
