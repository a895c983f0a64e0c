"""Each rule of style holds for what is shipped, and is broken by an example."""

import copy
import unittest

import catalogue
import lint
import shipped

# Decided, to be published together with the budget; each goes from here when docs/METRICS.md has it.
PENDING = set()


def surroundings():
    return lint.Surroundings(catalogue.read(), shipped.values(), shipped.runbooks(), shipped.tests(), PENDING)


class Shipped(unittest.TestCase):
    def test_nothing_to_complain_about(self):
        self.assertEqual(lint.complaints(shipped.all_rules(), surroundings()), [])

    def test_what_is_pending_is_not_published_yet(self):
        self.assertEqual(PENDING & set(catalogue.read().labels), set())


class Broken(unittest.TestCase):
    """One fault at a time, put into a shipped rule."""

    @classmethod
    def setUpClass(cls):
        cls.given = surroundings()
        cls.rules = {rule.get("alert") or rule["record"]: rule for rule in shipped.all_rules()}

    def complaints(self, name, change, given=None):
        rule = copy.deepcopy(self.rules[name])
        change(rule)
        return lint.complaints([rule], given or self.given)

    def assert_complains(self, text, name, change, given=None):
        found = self.complaints(name, change, given)
        self.assertTrue(any(text in complaint for complaint in found), f"{text!r} not in {found}")

    def expr(self, old, new):
        def change(rule):
            self.assertIn(old, rule["expr"])
            rule["expr"] = rule["expr"].replace(old, new)

        return change

    def annotation(self, key, old, new):
        def change(rule):
            self.assertIn(old, rule["annotations"][key])
            rule["annotations"][key] = rule["annotations"][key].replace(old, new)

        return change

    def test_unparsable(self):
        self.assert_complains("does not parse", "BedrockThrottling", self.expr("> 0.05", "> > 0.05"))

    def test_name_taken_twice(self):
        rule = self.rules["BedrockThrottling"]
        self.assertIn("BedrockThrottling: the name is taken twice", lint.complaints([rule, rule], self.given))

    def test_unknown_metric(self):
        self.assert_complains(
            "no metric bedrock_throttle_rate",
            "BedrockThrottling",
            self.expr("bedrock_throttle_ratio", "bedrock_throttle_rate"),
        )

    def test_unknown_label(self):
        self.assert_complains("has no label windows", "BedrockThrottling", self.expr("window=", "windows="))

    def test_unknown_label_value(self):
        self.assert_complains("window is never 10m", "BedrockThrottling", self.expr('window="5m"', 'window="10m"'))

    def test_unknown_value_within_a_pattern(self):
        self.assert_complains(
            "class is never access_refused", "BedrockCredentialsFailing", self.expr("access_denied", "access_refused")
        )

    def test_unknown_label_in_a_join(self):
        self.assert_complains(
            "nothing in it has the label modell",
            "BedrockThrottling",
            self.expr("on (account_id, region, model, scope, model_id)", "on (account_id, region, modell, scope, model_id)"),
        )

    def test_recording_rule_used(self):
        self.assert_complains(
            "depends on the recording rule",
            "BedrockQuotaLowered",
            self.expr("(bedrock_quota_limit)", "(quota:bedrock_quota_limit:max)"),
        )

    def test_join_that_keeps_the_instance(self):
        self.assert_complains(
            "bedrock_attempts is not within max by",
            "BedrockThrottling",
            self.expr(
                'max by (account_id, region, model, scope, model_id) (bedrock_attempts{window="5m"})',
                'bedrock_attempts{window="5m"}',
            ),
        )

    def test_sum_that_doubles_with_replicas(self):
        self.assert_complains(
            "is not within max by",
            "BedrockTargetsLost",
            self.expr("max by (account_id, region) (bedrock", "sum by (account_id, region) (bedrock"),
        )

    def test_grouped_by_instance(self):
        self.assert_complains(
            "grouped by instance or job",
            "BedrockDataStale",
            self.expr("max by (account_id, region)", "max by (account_id, region, instance)"),
        )

    def test_sum_that_drops_ids(self):
        self.assert_complains(
            "without model_id", "BedrockCapacityErrors", self.expr("endpoint, model_id, ", "endpoint, ")
        )

    def test_name(self):
        self.assert_complains("not Bedrock", "BedrockThrottling", lambda rule: rule.update(alert="bedrock_throttling"))

    def test_severity(self):
        self.assert_complains(
            "severity is none of", "BedrockThrottling", lambda rule: rule.update(labels={"severity": "page"})
        )

    def test_long_wait(self):
        self.assert_complains("late already", "BedrockQuotaNearLimit", lambda rule: rule.update({"for": "15m"}))

    def test_long_wait_before_a_page(self):
        self.assert_complains("late already", "BedrockThrottling", lambda rule: rule.update({"for": "10m"}))

    def test_threshold_from_elsewhere(self):
        self.assert_complains("compares with 0.07", "BedrockThrottling", self.expr("> 0.05", "> 0.07"))

    def test_multiplied_threshold_from_elsewhere(self):
        self.assert_complains(
            "compares with 1.296e+06", "BedrockProvisionedCommitmentEnding", self.expr("14 *", "15 *")
        )

    def test_threshold_label_from_elsewhere(self):
        self.assert_complains(
            "uses the threshold 0.95", "BedrockQuotaNearLimit", self.expr('threshold="0.9"', 'threshold="0.95"')
        )

    def test_average(self):
        self.assert_complains(
            "an average hides",
            "BedrockDailyTokensGone",
            self.expr(
                'bedrock_quota_utilization_ratio{quota="tokens_per_day"}',
                'avg_over_time(bedrock_quota_utilization_ratio{quota="tokens_per_day"}[5m])',
            ),
        )

    def test_missing_as_zero(self):
        self.assert_complains(
            "missing is not 0", "BedrockDailyTokensGone", lambda rule: rule.update(expr=rule["expr"] + " or vector(0)")
        )

    def test_ratio_over_a_limit(self):
        self.assert_complains(
            "divides by a limit",
            "BedrockDailyTokensGone",
            self.expr(
                "max by (account_id, region, model, endpoint, scope, variant, quota, quota_code) (bedrock_quota_utilization_ratio{",
                "max by (quota_code) (bedrock_quota_usage) / max by (quota_code) (bedrock_quota_limit{",
            ),
        )

    def test_single_throttle(self):
        self.assert_complains(
            "a single throttle would do",
            "BedrockThrottling",
            self.expr('bedrock_throttled_seconds{window="15m"}', 'bedrock_attempts{window="30m"}'),
        )

    def test_page_on_counts(self):
        self.assert_complains(
            "pages on throttle counts",
            "BedrockThrottling",
            self.expr('bedrock_attempts{window="5m"}', "increase(bedrock_invocation_throttles_total[5m])"),
        )

    def test_missing_annotation(self):
        self.assert_complains(
            "annotations are not", "BedrockThrottling", lambda rule: rule["annotations"].pop("runbook_url")
        )

    def test_summary_with_a_full_stop(self):
        self.assert_complains(
            "the summary is not", "BedrockThrottling", self.annotation("summary", " refused", " refused.")
        )

    def test_description_without_a_full_stop(self):
        self.assert_complains(
            "the description does not end", "BedrockExporterAbsent", self.annotation("description", "fire.", "fire")
        )

    def test_bare_number(self):
        self.assert_complains(
            "shows a bare number",
            "BedrockThrottling",
            self.annotation("summary", "$value | humanizePercentage", "$value"),
        )

    def test_bare_number_from_a_query(self):
        self.assert_complains(
            "shows a bare number",
            "BedrockThrottling",
            self.annotation("description", "value | humanizeDuration", "value"),
        )

    def test_label_that_the_alert_does_not_have(self):
        self.assert_complains(
            "shows the label quota,",
            "BedrockThrottling",
            self.annotation("summary", "$labels.model ", "$labels.quota "),
        )

    def test_unknown_metric_in_a_description(self):
        self.assert_complains(
            "no metric bedrock_try",
            "BedrockThrottling",
            self.annotation("description", "bedrock_attempts", "bedrock_try"),
        )

    def test_unparsable_query_in_a_description(self):
        self.assert_complains(
            "asks what does not parse",
            "BedrockThrottling",
            self.annotation("description", "max(bedrock_attempts", "max((bedrock_attempts"),
        )

    def test_wrong_runbook(self):
        self.assert_complains(
            "does not lead to its runbook",
            "BedrockThrottling",
            self.annotation("runbook_url", "BedrockThrottling", "Throttling"),
        )

    def test_wrong_dashboard(self):
        self.assert_complains(
            "none of the dashboards",
            "BedrockThrottling",
            self.annotation("dashboard_url", "bedrock-quota-model", "bedrock-quota-models"),
        )

    def with_runbook(self, change):
        given = copy.copy(self.given)
        given.runbooks = {**given.runbooks, "BedrockThrottling": change(given.runbooks["BedrockThrottling"])}
        return given

    def test_no_runbook(self):
        self.assert_complains(
            "has no docs/runbooks", "BedrockThrottling", lambda rule: None, self.with_runbook(lambda text: None)
        )

    def test_runbook_of_another_title(self):
        self.assert_complains(
            "another title",
            "BedrockThrottling",
            lambda rule: None,
            self.with_runbook(lambda text: text.replace("# BedrockThrottling\n", "# Throttling\n")),
        )

    def test_runbook_without_a_heading(self):
        self.assert_complains(
            "headings are not",
            "BedrockThrottling",
            lambda rule: None,
            self.with_runbook(lambda text: text.replace("## Causes\n", "")),
        )

    def test_runbook_with_an_empty_section(self):
        self.assert_complains(
            "says nothing under How to silence",
            "BedrockThrottling",
            lambda rule: None,
            self.with_runbook(lambda text: text.split("## How to silence\n")[0] + "## How to silence\n"),
        )

    def with_tests(self, name, change):
        given = copy.copy(self.given)
        given.tests = copy.deepcopy(given.tests)
        change(given.tests[name]["tests"])
        return given

    def test_untested_case(self):
        def drop_zero(cases):
            cases[:] = [case for case in cases if "zero limit" not in case["name"]]

        self.assert_complains(
            "has no test: zero limit",
            "BedrockQuotaNearLimit",
            lambda rule: None,
            self.with_tests("BedrockQuotaNearLimit", drop_zero),
        )

    def test_uncompared_annotation(self):
        def drop_annotation(cases):
            cases[0]["alert_rule_test"][0]["exp_alerts"][0]["exp_annotations"].pop("description")

        self.assert_complains(
            "does not compare every annotation",
            "BedrockDataStale",
            lambda rule: None,
            self.with_tests("BedrockDataStale", drop_annotation),
        )


if __name__ == "__main__":
    unittest.main()
