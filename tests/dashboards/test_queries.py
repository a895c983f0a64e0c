"""Every query on a real Prometheus: it answers, it answers rightly, and replicas change nothing."""

import math
import time
import unittest
from types import SimpleNamespace

import yaml

import expressions
import fixture
import lint
import prometheus
import queries
from fixture import COMMAND, DOWN, EU, IDS, NOVA, PAYMENTS, QUOTAS, SEARCH, SONNET, TARGETS, US, Fleet

NEAR_LIMIT = yaml.safe_load((lint.REPOSITORY / "alerts" / "generate" / "values.yaml").read_text())["near_limit"]["ratio"]
# Read from a replica's own past, which another replica does not share.
PER_INSTANCE = {"Targets", "Config", "Version", "Series", "Memory", "AWS calls per minute", "AWS call duration",
                "Metrics requested", "Cost a day", "AWS throttles", "Exporter restarted"}


def pages(url, now):
    """The dashboards by the last word of their title."""
    server = queries.Prometheus(url, now)
    return SimpleNamespace(**{d["title"].split()[-1].lower(): queries.Page(d, server) for d in queries.load()})


def target(page, title, ref="A"):
    found = [p for p, _ in queries.panels(page.dashboard) if p["title"] == title]
    return next(t for t in found[0]["targets"] if t["refId"] == ref)


def ask(page, title, ref="A", **chosen):
    return page.ask(target(page, title, ref), chosen)[1]


def words_of(page, title, column=None):
    """Value → the words that a panel, or a column of a table, shows instead."""
    panel = next(p for p, _ in queries.panels(page.dashboard) if p["title"] == title)
    mappings = lint.overrides(panel, column)["mappings"] if column else panel["fieldConfig"]["defaults"]["mappings"]
    return {value: shown["text"] for each in mappings if each["type"] == "value"
            for value, shown in each["options"].items()}


def number(rows):
    """The one number of a stat panel, or None without an answer."""
    return float(rows[0]["value"][1]) if rows else None


def last(rows):
    """Labels → the value at the newest moment that any row has."""
    values = {tuple(sorted(r["metric"].items())): r["value"] if "value" in r else r["values"][-1] for r in rows}
    newest = max((at for at, _ in values.values()), default=0)
    return {labels: float(value) for labels, (at, value) in values.items() if at == newest}


def known_quotas():
    return [q for q in QUOTAS if q.limit is not None]


class OnOnePast(unittest.TestCase):
    """Two replicas, as in production."""

    @classmethod
    def setUpClass(cls):
        cls.now = int(time.time()) // 60 * 60
        cls.server = prometheus.on(lambda out: fixture.write(cls.now, out))
        cls.url = cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.pages = pages(cls.url, cls.now)

    def test_every_query_answers(self):
        answers = queries.check(queries.Prometheus(self.url, self.now))
        self.assertEqual([(a.name, a.error) for a in answers if a.error or not a.rows], [])
        self.assertGreater(len(answers), 100)

    def test_overview_counts_what_is_there(self):
        overview = self.pages.overview
        refused, attempts = sum(i.refused for i in IDS), sum(i.calls + i.refused for i in IDS)
        lowered = sum(q.limit_before is not None for q in QUOTAS)
        filled = [q.fill(0) for q in known_quotas() if q.fill]
        expected = {
            "Throttled share": refused / attempts,
            "Highest utilization": max(filled),
            "Quotas at risk": sum(fill >= NEAR_LIMIT for fill in filled),
            "Data age": 150,
            "Day quota runs out in": fixture.RUNS_OUT,
            "Limits lowered": lowered,
            "Quota 0 called": 1,
            "Day quotas spent": 1,
            "Unmapped traffic": sum(i.model == "unknown" for i in IDS),
            "Collectors failing": 1,
        }
        for title, value in expected.items():
            self.assertAlmostEqual(number(ask(overview, title)), value, msg=title)

    def test_a_calm_account_shows_zero(self):
        calm = {"account": PAYMENTS, "region": EU}
        for title in ("Throttled share", "Quotas at risk", "Limits lowered", "Quota 0 called",
                      "Unmapped traffic", "Collectors failing"):
            self.assertEqual(number(ask(self.pages.overview, title, **calm)), 0, title)

    def test_throttled_table_names_cause_and_ceiling(self):
        rows = {r["metric"]["model"]: r for r in ask(self.pages.overview, "Throttled now")}
        self.assertEqual({model: r["metric"]["cause"] for model, r in rows.items()},
                         {SONNET: "reservation", COMMAND: "zero_quota", "unknown": "unknown"})
        self.assertEqual(rows[SONNET]["metric"]["account_name"], "payments")
        shares = {r["metric"]["model"]: float(r["value"][1]) for r in ask(self.pages.overview, "Throttled now", "B")}
        self.assertAlmostEqual(shares[COMMAND], 1)
        self.assertAlmostEqual(shares[SONNET], 6 / 46)
        self.assertAlmostEqual(shares["unknown"], 5 / 10)
        self.assertEqual(len(ask(self.pages.overview, "Throttled now", "B")), len(rows), "ids without a model are told apart")
        ceiling = ask(self.pages.overview, "Throttled now", "C")
        self.assertEqual([(r["metric"]["model"], r["value"][1]) for r in ceiling], [(SONNET, "0.38")])

    def test_ids_without_a_quota_are_named_with_their_calls(self):
        unknown = {i.model_id: i for i in IDS if i.model == "unknown"}
        reasons, calls, refused = ({r["metric"]["model_id"]: r for r in ask(self.pages.overview, "Traffic without a known quota", ref)}
                                   for ref in "ABC")
        self.assertEqual({name: row["metric"]["reason"] for name, row in reasons.items()},
                         dict.fromkeys(unknown, "unknown_id"))
        for name, each in unknown.items():
            self.assertAlmostEqual(float(calls[name]["value"][1]), 60 * each.calls, delta=each.calls)
            self.assertAlmostEqual(float(refused[name]["value"][1]), 30 * each.refused, delta=each.refused)

    def test_throttled_table_names_the_largest_spender(self):
        spenders = {r["metric"]["model"]: r["metric"]["spender"] for r in ask(self.pages.overview, "Throttled now", "D")}
        ids = [i for i in IDS if i.model == SONNET and i.scope == "cross_region" and i.region == US]
        self.assertEqual(spenders, {SONNET: max(ids, key=lambda i: i.charge).name, "unknown": "zz9zz9zz9zz9"})

    def test_a_spent_day_is_said_to_be_spent_and_hides_no_other(self):
        left = {r["metric"]["model"]: float(r["value"][1])
                for r in ask(self.pages.overview, "Utilization ranking", "B")}
        self.assertEqual(left, {SONNET: fixture.RUNS_OUT, NOVA: 0})
        only_spent = number(ask(self.pages.model, "Day quota runs out in", model=NOVA))
        self.assertEqual(only_spent, 0)
        for page, title, column in ((self.pages.overview, "Utilization ranking", "Runs out in"),
                                    (self.pages.model, "Day quota runs out in", None)):
            self.assertEqual(words_of(page, title, column)["0"], "spent")

    def test_throttles_are_per_minute(self):
        rates = {(m["model"], m["scope"]): v for m, v in
                 ((dict(k), v) for k, v in last(ask(self.pages.overview, "Refused calls per minute")).items())}
        expected = {}
        for each in (i for i in IDS if i.refused):
            key = each.model, each.scope
            expected[key] = expected.get(key, 0) + each.refused
        self.assertEqual(rates.keys(), expected.keys())
        for key, value in expected.items():
            self.assertAlmostEqual(rates[key], value, places=6, msg=key)

    def test_inventory_has_a_row_for_every_quota_and_the_request_on_one(self):
        page = self.pages.overview
        states = ask(page, "Quota inventory", "F")
        self.assertEqual(sorted(r["metric"]["state"] for r in states), sorted(q.state for q in QUOTAS))
        self.assertEqual({r["metric"]["account_name"] for r in states}, {"payments", SEARCH})
        requested = ask(page, "Quota inventory", "G")
        self.assertEqual(len(requested), len(QUOTAS))
        self.assertEqual([(r["metric"]["quota_code"], r["value"][1]) for r in requested if r["value"][1] != "0"],
                         [("L-0003", "200000")])

    def test_spenders_and_the_rest_add_up_to_the_charge(self):
        page, chosen = self.pages.model, {"model": SONNET, "region": US}
        ids = [i for i in IDS if i.model == SONNET and i.region == US]
        teams = last(ask(page, "Tokens charged per minute", "A", **chosen))
        rest = last(ask(page, "Tokens charged per minute", "B", **chosen))
        profiles = {i.name: i.charge for i in ids if i.kind == "application_profile"}
        by_name = {}
        for key, value in teams.items():
            by_name[dict(key)["name"]] = by_name.get(dict(key)["name"], 0) + value
        self.assertEqual(by_name.keys(), profiles.keys())
        for name, charge in profiles.items():
            self.assertAlmostEqual(by_name[name], charge, places=3)
        self.assertAlmostEqual(sum(rest.values()), sum(i.charge for i in ids) - sum(profiles.values()), places=3)

    def test_the_rest_is_everything_where_no_profile_is_used(self):
        chosen = {"model": NOVA, "region": EU}
        self.assertEqual(ask(self.pages.model, "Tokens charged per minute", "A", **chosen), [])
        rest = last(ask(self.pages.model, "Tokens charged per minute", "B", **chosen))
        self.assertAlmostEqual(sum(rest.values()), 30_000, places=3)

    def test_model_page_names_the_cause_or_says_there_is_none(self):
        words = words_of(self.pages.model, "Cause")

        def causes(model):
            return [words[r["value"][1]] for r in ask(self.pages.model, "Cause", model=model)]
        self.assertEqual(causes(SONNET), ["reservation (max_tokens)"])
        self.assertEqual(causes(NOVA), ["not throttled"])
        self.assertEqual(causes("no.such-model"), [])

    def test_state_timeline_has_one_number_for_each_state(self):
        texts = {int(code): text for code, text in words_of(self.pages.model, "States").items()}
        shown = {texts[v] for v in last(ask(self.pages.model, "States", "A", model=SONNET)).values()}
        self.assertEqual(shown, {"reservation (max_tokens)", "not throttled"})
        zero = {texts[v] for v in last(ask(self.pages.model, "States", "B", model=COMMAND)).values()}
        self.assertEqual(zero, {"quota is 0"})

    def test_idle_quotas_are_neither_ranked_nor_drawn(self):
        called = {i.model for i in IDS}
        for title, above in (("Utilization ranking", 0), ("Utilization over time", 0.5)):
            used = {(q.model, q.scope, q.quota) for q in QUOTAS
                    if q.fill and q.fill(0) > 0 and q.fill(0) >= above and q.model in called}
            shown = {tuple(r["metric"][k] for k in ("model", "scope", "quota"))
                     for r in ask(self.pages.overview, title)}
            self.assertEqual(shown, used, title)

    def test_room_is_shown_everywhere_but_where_the_day_is_spent(self):
        chosen = {"model": NOVA, "account": PAYMENTS, "region": EU}
        free = {ref: {(r["metric"]["region"], r["metric"]["scope"]): float(r["value"][1])
                      for r in ask(self.pages.model, "Where is room", ref, **chosen)} for ref in "BD"}
        for ref, kind in (("B", "tokens_per_minute"), ("D", "requests_per_minute")):
            expected = {(q.region, q.scope): q.limit * (1 - q.fill(0)) for q in QUOTAS
                        if q.model == NOVA and q.quota == kind and q.region == US}
            self.assertEqual(free[ref].keys(), expected.keys())
            for key, value in expected.items():
                self.assertTrue(math.isclose(free[ref][key], value), key)

    def test_room_of_the_account_selected_comes_first(self):
        chosen = {"model": SONNET, "account": PAYMENTS, "region": US}
        rows = ask(self.pages.model, "Where is room", "A", **chosen)
        selected = {(r["metric"]["region"], r["metric"]["scope"]): r["value"][1] for r in rows}
        self.assertEqual(selected, {(US, "cross_region"): "1", (US, "on_demand"): "1", (EU, "cross_region"): "0"})
        self.assertEqual({r["metric"]["account_name"] for r in rows}, {"payments"})

    def test_who_spends_it_names_every_id_with_its_share(self):
        chosen = {"model": SONNET, "region": US}
        ids = {i.model_id: i for i in IDS if i.model == SONNET and i.region == US}
        rows = {r["metric"]["model_id"]: r for r in ask(self.pages.model, "Who spends it", "A", **chosen)}
        shares = {r["metric"]["model_id"]: float(r["value"][1])
                  for r in ask(self.pages.model, "Who spends it", "B", **chosen)}
        self.assertEqual(rows.keys(), ids.keys())
        total = sum(i.charge for i in ids.values())
        for model_id, each in ids.items():
            # Counted by two replicas, of which the younger knows forty minutes.
            self.assertAlmostEqual(float(rows[model_id]["value"][1]), each.charge, delta=each.charge * 0.05)
            self.assertAlmostEqual(shares[model_id], each.charge / total, places=3)
        self.assertEqual(rows["ijkl5678mnop"]["metric"]["name"], "fraud-review")

    def test_the_model_page_opens_on_the_fullest(self):
        filled = {q.model: max(o.fill(0) for o in QUOTAS if o.model == q.model and o.fill) for q in QUOTAS if q.fill}
        self.assertEqual(self.pages.model.values["model"], max(filled, key=filled.get))

    def test_every_link_leads_to_queries_that_answer(self):
        self.assertEqual(queries.broken_links(queries.Prometheus(self.url, self.now)), [])

    def test_fleet_has_a_row_for_each_account_and_region(self):
        rows = ask(self.pages.fleet, "Accounts and regions", "E")
        self.assertEqual({(r["metric"]["account_id"], r["metric"]["region"]): r["value"][1] for r in rows},
                         {target: str(int(target == DOWN[:2])) for target in TARGETS})
        shares = {(r["metric"]["account_id"], r["metric"]["region"]): float(r["value"][1])
                  for r in ask(self.pages.fleet, "Accounts and regions", "A")}
        for target in TARGETS:
            ids = [i for i in IDS if (i.account, i.region) == target]
            calls, refused = sum(i.calls for i in ids), sum(i.refused for i in ids)
            self.assertAlmostEqual(shares[target], refused / (calls + refused))

    def test_hours_of_the_week_are_told_apart(self):
        rows = ask(self.pages.capacity, "Utilization by hour of the week")
        hours = {(r["metric"]["weekday"], r["metric"]["hour"]) for r in rows}
        self.assertEqual(hours, {(str(day), f"{hour:02}") for day in range(7) for hour in range(0, 24, 2)})

    def test_trend_says_when_eighty_percent_is_reached(self):
        rows = ask(self.pages.capacity, "Growth and percentiles", "A")
        days = {(r["metric"]["model"], r["metric"]["region"], r["metric"]["quota"]): float(r["value"][1]) for r in rows}
        growing = [q for q in QUOTAS if q.fill and q.fill(0) > q.fill(1)]
        for quota in growing:
            per_day = quota.fill(0) - quota.fill(1)
            self.assertAlmostEqual(days[quota.model, quota.region, quota.quota],
                                   max(0, (0.8 - quota.fill(0)) / per_day), places=1)
        there = [q for q in QUOTAS if q.fill and q.fill(0) >= 0.8 and q not in growing]
        self.assertEqual(sum(each < 365 for each in days.values()), len(growing + there))
        self.assertEqual(number(ask(self.pages.capacity, "80 % in 30 days")), len(growing + there))
        nearly_full = [q for q in QUOTAS if q.fill and q.quota != "batch_jobs" and q.fill(0.7) >= 0.8]
        self.assertEqual(number(ask(self.pages.capacity, "P90 over 80 %")), len(nearly_full))

    def test_capacity_counts_days(self):
        capacity = self.pages.capacity
        self.assertEqual(number(ask(capacity, "Commitment ends")), 12)
        self.assertEqual(number(ask(capacity, "Oldest request")), 9)
        self.assertEqual(number(ask(capacity, "Legacy called")), 1)
        self.assertEqual({float(r["value"][1]) for r in ask(capacity, "Lifecycle", "B")}, {45})

    def test_exporter_page_adds_up_what_each_replica_pays(self):
        exporter = self.pages.exporter
        self.assertEqual(number(ask(exporter, "Targets up")), 3 / 4)
        self.assertAlmostEqual(number(ask(exporter, "AWS throttles")), 1 / 20)
        billed = last(ask(exporter, "Metrics requested", "A"))
        self.assertAlmostEqual(sum(billed.values()), 2 * 120)

    def test_without_data_nothing_is_zero(self):
        """An account that is not there: every panel is empty rather than 0."""
        for page in vars(self.pages).values():
            nobody = {"account": "999999999999", "instance": "nowhere", "model": "no.such-model"}
            for panel, _ in queries.panels(page.dashboard):
                for each in panel["targets"]:
                    self.assertEqual(page.ask(each, nobody)[1], [], f"{panel['title']} {each['refId']}")


    def test_when_the_exporter_is_gone_no_column_passes_for_another(self):
        """What one query alone answers is called "Value": it may only be that of the column which has this name."""
        gone = pages(self.url, self.now + 20 * 60)
        for page in vars(gone).values():
            for panel, row in queries.panels(page.dashboard):
                names = next((t["options"]["renameByName"] for t in panel.get("transformations", [])
                              if t["id"] == "organize"), {})
                if "Value" not in names:
                    continue
                answers = {names.get(f"Value #{each['refId']}", names["Value"]) for each in panel["targets"]
                           if page.ask(each, {"model": SONNET} if page is gone.model else {})[1]}
                with self.subTest(panel["title"]):
                    self.assertTrue(not answers or names["Value"] in answers, answers)


class Replicas(unittest.TestCase):
    """A second replica, or one that takes over from another, changes no panel about Bedrock."""

    @classmethod
    def setUpClass(cls):
        cls.now = int(time.time()) // 60 * 60
        cls.answers = {}
        for name, replicas in (("one", fixture.ONE), ("two", fixture.TWO), ("takeover", fixture.TAKEOVER)):
            with prometheus.on(lambda out, r=replicas: fixture.write(cls.now, out, r)) as url:
                cls.answers[name] = {}
                for dashboard in queries.load():
                    page = queries.Page(dashboard, queries.Prometheus(url, cls.now))
                    for panel, row in queries.panels(dashboard):
                        for each in panel["targets"]:
                            if panel["title"] not in PER_INSTANCE:
                                chosen = {"model": SONNET, "region": US} if row else {}
                                rows = page.ask(each, chosen)[1]
                                key = dashboard["title"], panel["title"], each["refId"]
                                cls.answers[name][key] = cls.without_team(last(rows))

    @staticmethod
    def without_team(rows):
        """The replicas disagree on one team: what counts is that the sum stays."""
        summed = {}
        for labels, value in rows.items():
            key = tuple(pair for pair in labels if pair[0] != "team")
            summed[key] = summed.get(key, 0) + value
        return summed

    def same(self, name, ignored=()):
        for key, rows in self.answers["one"].items():
            if key[1:] in ignored:
                continue
            other = self.answers[name][key]
            self.assertEqual(other.keys(), rows.keys(), key)
            for labels, value in rows.items():
                self.assertTrue(math.isclose(other[labels], value, rel_tol=1e-6, abs_tol=1e-9),
                                f"{key} {labels}: {value} alone, {other[labels]} with {name}")

    def test_a_second_replica_changes_nothing(self):
        self.assertGreater(len(self.answers["one"]), 80)
        self.same("two")

    def test_a_takeover_changes_nothing_but_counts_over_its_moment(self):
        self.same("takeover", ignored={("Lifecycle", "A"), ("Collectors", "D"), ("Who spends it", "A"),
                                       ("Throttled now", "D")})


class Checker(unittest.TestCase):
    def test_all_is_spelled_as_grafana_does(self):
        self.assertEqual(queries.all_or_one({"includeAll": True, "allValue": ".*"}, ["a"]), ".*")
        self.assertEqual(queries.all_or_one({"includeAll": False}, ["a", "b"]), "a")
        self.assertEqual(queries.all_or_one({"includeAll": True}, ["a.b-v1:0", "c+d"]), r"(a\\.b-v1:0|c\\+d)")

    def test_grafana_puts_values_in_place_of_variables(self):
        text = 'x{a=~"$account"}[$__range] + rate(y[$__rate_interval]) + ${account}'
        self.assertEqual(
            queries.interpolate(text, {"account": "1|2"}, seconds=3600, step=60, rate_interval=240),
            'x{a=~"1|2"}[3600s] + rate(y[240s]) + 1|2')

    def test_allow_list_is_short_and_reasoned(self):
        excused = queries.allowed()
        self.assertLessEqual(len(excused), queries.MOST_ALLOWED)
        self.assertTrue(all(isinstance(reason, str) and reason for reason in excused.values()))

    def test_fixture_has_every_family_that_a_panel_reads(self):
        read = {selector.name for dashboard in queries.load() for _, _, tree in lint.trees(dashboard)
                for selector, _ in expressions.selectors(tree)}
        read |= {selector.name for dashboard in queries.load() for each in lint.annotations(dashboard)
                 for selector, _ in expressions.selectors(expressions.parse(each["expr"]))}
        self.assertEqual(read - set(fixture.fleet_at(0).series), set())

    def test_fixture_labels_are_the_catalogues(self):
        for metric, rows in fixture.fleet_at(0).series.items():
            self.assertIn(metric, lint.LABELS)
            for labels, _ in rows:
                self.assertLessEqual(set(labels) - {"instance"}, set(lint.LABELS[metric]), metric)
        self.assertIsInstance(fixture.fleet_at(0), Fleet)


if __name__ == "__main__":
    unittest.main()
