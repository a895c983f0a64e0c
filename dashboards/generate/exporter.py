"""Bedrock / Exporter: is the picture to be trusted, and what does taking it cost."""

import frame
import tiles
from panels import COUNTED, ORANGE, PLAIN, Query, RED, TEXT, describe, graph, on_right_axis, stat, steps
from promql import COLLECTOR, aggregate, one, series, with_account_name
from tables import Column, table, where

DAY = 86400
TILE = (6, 3)


def total(function, metric, labels, window, **selector):
    """A sum over instances: each replica makes and pays for its own calls."""
    return aggregate("sum", labels, f"{function}({series(metric, **selector)}[{window}])")


def build(values):
    up = one("bedrock_exporter_target_up")
    success = one("bedrock_exporter_last_success_timestamp_seconds")
    requests = "bedrock_exporter_aws_requests_total"
    buckets = "bedrock_exporter_aws_request_duration_seconds_bucket"
    build = series("bedrock_exporter_build_info")
    worst = aggregate("min", ("account_id", "region"), up)

    made = frame.new(
        values, "exporter", "Bedrock / Exporter",
        "Which accounts and regions are read, how fresh, at what price, and with which errors.",
        since="now-6h", refresh="1m", given_variables=frame.variables(models=False))
    headline = [
        stat("Targets up", describe(
            "Which share of accounts and regions is read completely?",
            "A target is up when the last attempt of each of its collectors brought all it asked for.",
            "Find the failing collector in \"Collectors\" and its kind of error in \"Collection errors per hour\"."),
            f"sum({worst}) / (count({worst}) > 0)", size=TILE, unit="percentunit", decimals=0,
            no_value="exporter not seen", missing=RED, given=steps(RED, (values.region_blind, ORANGE), (1, PLAIN))),
        stat("Targets", describe(
            "Is any account or region missing?",
            "Accounts × regions configured, as the exporter counts them.",
            "Fewer than you configured: the reload failed, or a role is missing."),
            f"max({one('bedrock_exporter_targets')})", size=TILE, unit="none", no_value="exporter not seen",
            missing=RED, given=steps(RED, (1, PLAIN))),
        tiles.data_age(values, TILE, "Compare with \"Age over interval\"; \"Collectors\" says which target is late."),
        stat("AWS throttles", describe(
            "Does AWS refuse our own reads?",
            "Share of the exporter's AWS calls that were throttled in the last hour.",
            "Lengthen the intervals, or look for other tools that use up the same API rate."),
            f"({total('increase', requests, (), '1h', outcome='throttled')} or 0 * "
            f"{total('increase', requests, (), '1h')}) / ({total('increase', requests, (), '1h')} > 0)",
            size=TILE, unit="percentunit", decimals=1, no_value="no AWS calls known",
            given=steps(PLAIN, (0.01, ORANGE), (0.1, RED))),
        stat("Cost a day", describe(
            "What does CloudWatch charge for this?",
            "The last hour's metrics requested at CloudWatch's price, as a day; all replicas together.",
            "Lengthen the usage interval (nothing is lost but freshness), or trim metrics and statistics."),
            f"{total('increase', 'bedrock_exporter_estimated_cost_dollars_total', (), '1h')} * 24",
            size=TILE, unit="currencyUSD", decimals=2, no_value="no price known"),
        tiles.how_many("Over budget", describe(
            "Does the budget make the picture older?",
            "Accounts and regions whose calmest ids are read less often, to stay within budget.dollars_per_day.",
            "Raise the budget, or watch fewer regions; \"Metrics requested\" shows the price beside the budget."),
            aggregate("sum", (), one("bedrock_exporter_budget_degraded")), size=TILE,
            no_value="no budget known", color=ORANGE),
        stat("Config", describe(
            "Is the running config the one on disk?",
            "Whether the last reload was accepted, of the worst instance.",
            "`bedrock-quota-exporter check --config.file FILE` names what is wrong; the old config stays in force."),
            f"min({one('bedrock_exporter_config_last_reload_successful', ('instance',))})", size=TILE, unit="none",
            no_value="exporter not seen", mappings={1: ("loaded", PLAIN), 0: ("refused", RED)}),
        stat("Version", describe(
            "What is running?",
            "Version and mode of each instance; demo means that the numbers are made up.",
            "Two versions outside a rollout: an instance was forgotten."),
            f'label_join({aggregate("max", ("version", "mode"), build)}, "running", " ", "version", "mode")',
            size=TILE, unit="string", no_value="exporter not seen", label="running"),
    ]
    collectors = table("Collectors", describe(
        "Which collector of which account and region is late or slow?",
        "Whether its last attempt brought everything, time since its last success, and how long it took.",
        "Down with access_denied: the role's policy. Down with throttled: the API's rate. Last good values are kept "
        "until their max_age, then the series disappear."), [
            Column("Collector", "collector", width=105),
            *where(rest=True),
            Column("Up", expr=with_account_name(up), width=60, unit="none",
                   mappings={1: ("up", TEXT), 0: ("down", RED)}),
            Column("Age", expr=f"time() - {success}", width=85, unit="s", decimals=0),
            Column("Duration", expr=one("bedrock_exporter_collection_duration_seconds"), width=90, unit="s",
                   decimals=1),
            Column("Errors", expr=f"sum by ({', '.join(COLLECTOR)}) (max by ({', '.join(COLLECTOR)}, class) "
                                  f"(increase({series('bedrock_exporter_collection_errors_total')}[$__range]))) and {up}",
                   width=95, unit="none", decimals=0, steps=steps(TEXT, (1, ORANGE))),
        ], size=(24, 9), no_value="exporter not seen", base="Up", sort=[("Up", False), ("Errors", True)])
    interval = one("bedrock_exporter_collection_interval_seconds")
    ages = graph("Age over interval", describe(
        "Since when is it late?",
        "Time since the last success of the oldest target, per collector, in intervals of that collector: up to 1 is "
        f"healthy; at {values.late_intervals} (dashed) the alert fires.",
        "A line that climbs without end: that collector fails everywhere or for one target; see \"Collectors\"."),
        [Query(f"max by (collector) (time() - {success}) / on (collector) ({interval} > 0)", "{{collector}}")],
        size=(12, 9), unit="none", no_value="exporter not seen", given=steps(PLAIN, (values.late_intervals, RED)),
        top=values.late_intervals)
    errors = graph("Collection errors per hour", describe(
        "What goes wrong?",
        "Errors of collections per hour by class, over the selected accounts and regions; averages of 20 minutes.",
        "access_denied: the role's policy. no_credentials, expired_credentials: the host's profile or role. "
        "region_disabled: the config's regions. wrong_account: whose credentials they are. throttled: rates. timeout, network: the way to AWS. clock_skew: the host's clock. "
        "malformed: report it, with the log line. \"Collectors\" says where."),
        [Query(f"sum by (class) (max by ({', '.join(COLLECTOR)}, class) "
               f"(rate({series('bedrock_exporter_collection_errors_total')}[$__rate_interval]))) * 3600", "{{class}}",
               step=COUNTED)],
        size=(12, 9), unit="short", no_value="exporter not seen", bars=True, stacked=True)
    durations = graph("Duration by collector", describe(
        "Does a collection take longer than its interval?",
        "The slowest target's last collection, per collector.",
        "Near the interval: lengthen it, or split the accounts over two exporters."),
        [Query(aggregate("max", ("collector",), series("bedrock_exporter_collection_duration_seconds")),
               "{{collector}}")],
        size=(12, 9), unit="s", no_value="exporter not seen")
    calls = graph("AWS calls per minute", describe(
        "Which AWS APIs are called, and with what outcome?",
        "Calls per minute by operation and outcome, all replicas together.",
        "A new outcome beside success shows when trouble began, and with which service."),
        [Query(f"{total('rate', requests, ('service', 'operation', 'outcome'), '$__rate_interval')} * 60",
               "{{service}} {{operation}} {{outcome}}")],
        size=(12, 9), unit="short", no_value="no AWS calls counted", stacked=True, calcs=("mean", "max"), sort="Mean")
    latency = graph("AWS call duration", describe(
        "Is AWS slow to answer?",
        "p99 by operation, retries included.",
        "One slow operation: that service. All slow: the network, or a starved exporter."),
        [Query(f"histogram_quantile(0.99, {total('rate', buckets, ('operation', 'le'), '$__rate_interval')})",
               "{{operation}}")],
        size=(12, 9), unit="s", no_value="no duration counted")
    billed = graph("Metrics requested", describe(
        "What drives the bill?",
        "CloudWatch metrics requested per minute, which AWS charges by the thousand; dollars a day at that pace, and the "
        "budget for them, if there is one.",
        "A step up is new invocation ids or a shorter interval. Dollars above the budget: every id is read once an hour "
        "at least, whatever that costs."),
        [Query(f"{total('rate', 'bedrock_exporter_cloudwatch_metrics_requested_total', (), '$__rate_interval')} * 60",
               "metrics per minute"),
         Query(f"{total('rate', 'bedrock_exporter_estimated_cost_dollars_total', (), '$__rate_interval')} * {DAY}",
               "dollars a day"),
         Query(aggregate("sum", (), series("bedrock_exporter_budget_dollars_per_day")), "dollars a day, budget")],
        size=(12, 9), unit="short", no_value="no price known",
        overrides=[on_right_axis("/dollars/", "currencyUSD")])
    sizes = graph("Series", describe(
        "How many series does Prometheus get from us?",
        "Series on /metrics, per instance.",
        "Too many: `quotas.export: in_use`, `usage.gauges: false`."),
        [Query(one("bedrock_exporter_series", ("instance",)), "{{instance}}")],
        size=(12, 9), unit="short", no_value="exporter not seen")
    memory = graph("Memory", describe(
        "Does the exporter itself fit?", "Resident memory, per instance.",
        "It grows with the number of ids and targets, not with time: steady growth is a bug worth reporting."),
        [Query(one("process_resident_memory_bytes", ("instance",)), "{{instance}}")],
        size=(12, 9), unit="bytes", no_value="exporter not seen")
    for panel in (*headline, collectors, ages, errors, durations, latency, calls, billed, sizes, memory):
        made.with_panel(panel)
    return made
