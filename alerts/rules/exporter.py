"""Whether the picture is fresh and complete."""

from .promql import COLLECTOR, TARGET, indent, top
from .text import WHERE, lookup, lookup_each, span

USAGE_UP = top(TARGET, 'bedrock_exporter_target_up{collector="usage"}')


def alerts(values):
    yield target_down(values["target_down"])
    yield region_blind(values)
    yield targets_lost(values["targets_lost"])
    yield data_stale(values["data_stale"])
    yield credentials_failing(values["credentials"])
    yield from process(values)


def stale(v):
    return f"time() - {top(TARGET, 'bedrock_usage_complete_until_timestamp_seconds')} > {v['seconds']}"


def target_down(v):
    return dict(
        alert="BedrockTargetDown", severity="warning", values=v, dashboard="exporter", labels=COLLECTOR,
        expr=f"""\
{top(COLLECTOR, "bedrock_exporter_target_up")} == 0
unless on ({COLLECTOR})
(
  time() - {top(COLLECTOR, "bedrock_exporter_last_success_timestamp_seconds")}
  <= on (collector) group_left ()
  {v["intervals"]} * {top("collector", "bedrock_exporter_collection_interval_seconds")}
)""",
        summary="{{ $labels.collector }} of {{ $labels.account_id }}, {{ $labels.region }} cannot be read",
        description=(
            "Collecting {{ $labels.collector }} fails (" + WHERE + "). Time since the last success: "
            + lookup("time() - max(bedrock_exporter_last_success_timestamp_seconds{%s})", COLLECTOR,
                     "value | humanizeDuration", "none yet")
            + ". Errors of the last 15 minutes: "
            + lookup_each("max by (class) (increase(bedrock_exporter_collection_errors_total{%s}[15m])) > 0", COLLECTOR,
                          "class", "none counted")
            + ". The last good values are shown until they are too old, then none."))


def region_blind(values):
    v = values["region_blind"]
    return dict(
        alert="BedrockRegionBlind", severity="critical", values=v, dashboard="exporter", labels="region",
        expr=f"""\
count by (region) (
  {USAGE_UP} == 0
  or
  {stale(values["data_stale"])}
)
/
count by (region) ({USAGE_UP}) > {v["share"]}""",
        summary="{{ $labels.region }} is unseen: the usage of {{ $value | humanizePercentage }} of its accounts cannot be "
        "read",
        description=(
            "In {{ $labels.region }} the usage of {{ $value | humanizePercentage }} of the watched accounts cannot be read "
            "or is older than " + span(values["data_stale"]["seconds"]) + ". Throttling there pages nobody until this is "
            "mended."))


def targets_lost(v):
    lost = (top(TARGET, f"max_over_time(bedrock_exporter_target_up[{v['hours']}h])") + "\nunless\n"
            + top(TARGET, "bedrock_exporter_target_up"))
    return dict(
        alert="BedrockTargetsLost", severity="warning", values=v, dashboard="exporter", labels="",
        expr=f"count(\n{indent(lost, 2)}\n) > 0\nand\nmax(bedrock_exporter_target_up) >= 0",
        summary=f"Accounts and regions no longer reported, of the last {v['hours']} hours: " + "{{ $value | humanize }}",
        description=(
            "No exporter reports them any more: "
            + lookup_each(f'label_join({" ".join(lost.split())}, "target", " ", "account_id", "region")', "", "target")
            + f". If they were taken out on purpose, the alert ends by itself after {v['hours']} hours; if not, look at the "
            "config, at the discovery of accounts and for missing shards."))


def data_stale(v):
    return dict(
        alert="BedrockDataStale", severity="warning", values=v, dashboard="exporter", labels=TARGET,
        expr=stale(v),
        summary="Usage of {{ $labels.account_id }}, {{ $labels.region }} is {{ $value | humanizeDuration }} old",
        description=(
            "The last minute that was read for every id ended {{ $value | humanizeDuration }} ago (" + WHERE + "); up to "
            + span(v["seconds"]) + " is normal. Throttling there is seen late or not at all."))


def credentials_failing(v):
    by, errors = COLLECTOR + ", class", 'bedrock_exporter_collection_errors_total{class=~"access_denied|expired_credentials"}'
    return dict(
        alert="BedrockCredentialsFailing", severity="warning", values=v, dashboard="exporter", labels=by,
        expr=f"""\
{top(by, f"increase({errors}[{v['window']}])")} > 0
and on ({COLLECTOR})
{top(COLLECTOR, "bedrock_exporter_target_up")} == 0""",
        summary="AWS refuses the exporter in {{ $labels.account_id }}, {{ $labels.region }}: {{ $labels.class }}",
        description=(
            "Collecting {{ $labels.collector }} fails with {{ $labels.class }} (" + WHERE + "). A role, trust policy, "
            "permission or organization policy is missing or has changed, or the credentials ran out. The exporter's log "
            "names the call and the permission."))


def process(values):
    instances = (f'up{{job=~"{values["exporter"]["job"]}"}}\n  or\n  up and on (job, instance) '
                 "max_over_time(bedrock_exporter_build_info[1d])")
    down = f"max by (job) (\n  {instances}\n) == 0"
    yield dict(
        alert="BedrockExporterDown", severity="critical", values=values["exporter_down"], dashboard="exporter", labels="job",
        expr=down,
        summary="No exporter of {{ $labels.job }} answers",
        description="Prometheus can scrape no instance of {{ $labels.job }}. Bedrock's quotas and throttling are unseen, and "
        "the alerts on them cannot fire.")
    yield dict(
        alert="BedrockExporterReplicaDown", severity="warning", values=values["replica_down"], dashboard="exporter",
        labels="job, instance",
        expr=f"min by (job, instance) (\n  {instances}\n) == 0\nunless on (job)\n{down}",
        summary="Exporter {{ $labels.instance }} of {{ $labels.job }} does not answer",
        description="Prometheus cannot scrape {{ $labels.instance }}, though others of {{ $labels.job }} answer. If it is a "
        "replica, a spare is lost; if it is a shard, its accounts and regions are unseen.")
    yield dict(
        alert="BedrockExporterAbsent", severity="critical", values=values["exporter_absent"], dashboard="exporter", labels="",
        expr="absent(bedrock_exporter_build_info)",
        summary="No Bedrock quota exporter is scraped at all",
        description="Prometheus has no bedrock_exporter_build_info: the exporter is down, was never scraped, or its scrape "
        "job is gone. Bedrock's quotas and throttling are unseen, and the alerts on them cannot fire.")
    yield dict(
        alert="BedrockBudgetDegraded", severity="warning", values=values["budget_degraded"], dashboard="exporter",
        labels=TARGET,
        expr=f"{top(TARGET, 'bedrock_exporter_budget_degraded')} > 0",
        summary="The CloudWatch budget slows the reading of {{ $labels.account_id }}, {{ $labels.region }}",
        description="To stay within budget.dollars_per_day the exporter reads the calmest ids less often (" + WHERE + "). "
        "None is left out, but their numbers are older.")
    yield dict(
        alert="BedrockConfigReloadFailed", severity="warning", values=values["reload_failed"], dashboard="exporter",
        labels="job, instance",
        expr=f"{top('job, instance', 'bedrock_exporter_config_last_reload_successful')} == 0",
        summary="Exporter {{ $labels.instance }} refused its new config",
        description="The last reload of {{ $labels.instance }} ({{ $labels.job }}) failed; it goes on with the config it "
        "had. Its log and the answer of /-/reload name every complaint.")
