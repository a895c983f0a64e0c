"""A real Prometheus that scrapes over mutual TLS with a user, and files that change while the exporter runs."""

import os
import shutil
import ssl
import unittest
import urllib.parse
from pathlib import Path

import cases
import certificates
import doors
import servers  # of the tests of alerts; doors says where
from doors import curl

FOLDER = None


def setUpModule():
    global FOLDER
    FOLDER = certificates.folder()


JOB = """
  - job_name: {name}
    scheme: https
    tls_config: {{ca_file: {folder}/ca.crt, server_name: localhost{certificate}}}
    basic_auth: {{username: {user}, password: {password}}}
    static_configs: [{{targets: ['{target}']}}]
"""


def job(name, target, certificate="client", user="alice", password="alice123"):
    own = f", cert_file: {FOLDER}/{certificate}.crt, key_file: {FOLDER}/{certificate}.key" if certificate else ""
    return JOB.format(name=name, folder=FOLDER, certificate=own, user=user, password=password, target=target)


def values(prometheus, query):
    found = servers.get(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}")["data"]["result"]
    return {series["metric"].get("job"): float(series["value"][1]) for series in found}


class Scrapes(unittest.TestCase):
    def test_prometheus_scrapes_over_mutual_tls_with_a_user_and_nobody_else_does(self):
        config = cases.sans("scraper.example.org") + cases.USERS
        with doors.exporter(doors.written(FOLDER, config)) as server:
            jobs = {
                "own": job("own", server.address),
                "no certificate": job("no certificate", server.address, certificate=None),
                "a foreign certificate": job("a foreign certificate", server.address, certificate="foreign"),
                "another name": job("another name", server.address, certificate="plain"),
                "another password": job("another password", server.address, password="bob123"),
            }
            scrapes = Path(FOLDER, "prometheus.yml")
            scrapes.write_text("global: {scrape_interval: 10s, scrape_timeout: 10s}\nscrape_configs:" + "".join(jobs.values()))
            with servers.prometheus(FOLDER, scrapes) as prometheus:
                up = servers.wait_until(lambda: len(up := values(prometheus, "max_over_time(up[1m])")) == len(jobs) and up["own"] and up, servers.PATIENCE, "scrapes")
                self.assertEqual({name for name, value in up.items() if value}, {"own"})
                targets = servers.get(f"{prometheus}/api/v1/targets")["data"]["activeTargets"]
                errors = {target["labels"]["job"]: target["lastError"] for target in targets}
                self.assertIn("401", errors["another password"])
                connections = values(prometheus, "bedrock_exporter_http_connections")
                self.assertLess(connections["own"], 10, "Prometheus keeps its connection")


class Renewals(unittest.TestCase):
    def shown(self, server):
        """The certificate that a new connection is shown."""
        host, port = server.address.split(":")
        return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))

    def file(self, name):
        return ssl.PEM_cert_to_DER_cert(Path(FOLDER, name).read_text())

    def test_a_new_certificate_is_shown_on_the_next_connection_and_a_bad_one_never(self):
        for kind in ("crt", "key"):
            shutil.copy(Path(FOLDER, f"server.{kind}"), Path(FOLDER, f"own.{kind}"))
        file = doors.written(FOLDER, cases.TLS.replace("server.", "own."))
        with doors.exporter(file) as server:
            self.assertEqual(self.shown(server), self.file("server.crt"))
            shutil.copy(Path(FOLDER, "renewed.crt"), Path(FOLDER, "own.crt"))
            for _ in range(5):
                self.assertEqual(self.shown(server), self.file("server.crt"), "the key is another certificate's")
            server.wait(r"not read anew.*")
            self.assertIn("own.key", Path(file).read_text())
            self.assertTrue(any("found the key of another certificate" in (line or "") for line in server.log))
            self.assertEqual(sum("not read anew" in (line or "") for line in server.log), 1, "each fault is told once")
            self.assertEqual(self.told(server), 0)
            shutil.copy(Path(FOLDER, "renewed.key"), Path(FOLDER, "own.key"))
            self.assertEqual(self.shown(server), self.file("renewed.crt"))
            self.assertEqual(self.told(server), 1)

    def told(self, server):
        text = doors.body(FOLDER, server.address, "https", path="/metrics")
        name = "bedrock_exporter_web_config_last_reload_successful "
        return float(next(line for line in text.splitlines() if line.startswith(name)).split()[1])

    def test_users_change_on_open_connections_and_are_never_all_taken_away(self):
        file = Path(doors.written(FOLDER, cases.USERS))
        with doors.exporter(file) as server:
            ask = lambda user: curl(FOLDER, server.address, "http", "-u", user)  # noqa: E731
            self.assertEqual(ask("alice:alice123"), "200")
            lines = cases.USERS.splitlines(keepends=True)
            file.write_text("".join(line for line in lines if "alice" not in line))
            self.assertEqual((ask("alice:alice123"), ask("bob:bob123")), ("401", "200"))
            # As it is for a moment while it is written, and where a mistake empties it.
            file.write_text("")
            self.assertEqual((curl(FOLDER, server.address, "http"), ask("bob:bob123")), ("401", "200"))
            server.wait("basic_auth_users: found none, expected some as before")
            file.write_text(cases.TLS + cases.USERS)
            self.assertEqual(ask("alice:alice123"), "401", "only a restart switches TLS on")
            file.unlink()
            self.assertEqual(ask("bob:bob123"), "200")
            server.wait("cannot be read: No such file")

    def test_authorities_and_headers_change_too(self):
        shutil.copy(Path(FOLDER, "ca.crt"), Path(FOLDER, "clients.crt"))
        file = Path(doors.written(FOLDER, cases.MUTUAL.replace("ca.crt", "clients.crt")))
        own = ("--cert", "client.crt", "--key", "client.key")
        with doors.exporter(file) as server:
            self.assertEqual(curl(FOLDER, server.address, "https", *own), "200")
            shutil.copy(Path(FOLDER, "foreign-ca.crt"), Path(FOLDER, "clients.crt"))
            self.assertEqual(curl(FOLDER, server.address, "https", *own), "refused")
            self.assertEqual(curl(FOLDER, server.address, "https", "--cert", "foreign.crt", "--key", "foreign.key"), "200")

    def test_a_file_that_hangs_hangs_nothing_else(self):
        file = Path(doors.written(FOLDER, cases.USERS))
        with doors.exporter(file) as server:
            self.assertEqual(curl(FOLDER, server.address, "http", "-u", "bob:bob123"), "200")
            file.unlink()
            os.mkfifo(file)
            for _ in range(5):
                self.assertEqual(curl(FOLDER, server.address, "http", "-u", "bob:bob123"), "200")
            server.wait("found a pipe")


if __name__ == "__main__":
    unittest.main()
