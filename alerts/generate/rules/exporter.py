"""Whether the picture is fresh and complete."""

from .promql import COLLECTOR, TARGET, indent, top
from .text import lookup, lookup_each, minutes

USAGE_UP = top(TARGET, 'bedrock_exporter_target_up{collector="usage"}')


def alerts(values):
    yield target_down(values["target_down"])
    yield region_blind(values["region_blind"], values["data_stale"])
    yield targets_lost(values["targets_lost"])
    yield data_stale(values["data_stale"])
    yield credentials_failing(values["credentials"])
    yield from not_scraped(values)
    yield shard_missing(values["shard_missing"])
    yield shards_disagree(values["shards_disagree"])
    yield budget_degraded(values["budget_degraded"])
    yield reload_failed(values["reload_failed"])
    yield discovery_failing(values["discovery_failing"])
    yield stuck(values["stuck"])


def stale(v):
    return f"time() - {top(TARGET, 'bedrock_usage_complete_until_timestamp_seconds')} > {v['seconds']}"


def target_down(v):
    success = "time() - max(bedrock_exporter_last_success_timestamp_seconds{%s})"
    errors = "max by (class) (increase(bedrock_exporter_collection_errors_total{%s}[15m])) > 0"
    return dict(
        alert="BedrockTargetDown",
        severity="warning",
        values=v,
        dashboard="exporter",
        labels=COLLECTOR,
        expr=f"""\
{top(COLLECTOR, "bedrock_exporter_target_up")} == 0
unless on ({COLLECTOR})
(
  time() - {top(COLLECTOR, "bedrock_exporter_last_success_timestamp_seconds")}
  <= on (collector) group_left ()
  {v["intervals"]} * {top("collector", "bedrock_exporter_collection_interval_seconds")}
)""",
        summary="<collector> of <account_id>, <region> cannot be read",
        description="Collecting <collector> fails (<where>). Time since the last success: <age>. Errors of the last 15 "
        "minutes: <errors>. The last good values are shown until they are too old, then none.",
        parts={
            "age": lookup(success, COLLECTOR, "value | humanizeDuration", "none yet"),
            "errors": lookup_each(errors, COLLECTOR, "class", "none counted"),
        },
    )


def region_blind(v, age):
    return dict(
        alert="BedrockRegionBlind",
        severity="critical",
        values=v,
        dashboard="exporter",
        labels="region",
        expr=f"""\
count by (region) (
  {USAGE_UP} == 0
  or
  {stale(age)}
)
/
count by (region) ({USAGE_UP}) > {v["share"]}""",
        summary="<region> is unseen: the usage of <value_percent> of its accounts cannot be read",
        description="In <region> the usage of <value_percent> of the watched accounts cannot be read or is older than "
        "<oldest>. Throttling there pages nobody until this is mended.",
        parts={"oldest": minutes(age["seconds"])},
    )


def targets_lost(v):
    before = top(TARGET, f"max_over_time(bedrock_exporter_target_up[{v['hours']}h])")
    lost = f"{before}\nunless\n{top(TARGET, 'bedrock_exporter_target_up')}"
    named = f'label_join({" ".join(lost.split())}, "target", " ", "account_id", "region")'
    return dict(
        alert="BedrockTargetsLost",
        severity="warning",
        values=v,
        dashboard="exporter",
        labels="",
        expr=f"count(\n{indent(lost, 2)}\n) > 0\nand\nmax(bedrock_exporter_targets) >= 0",
        summary="Accounts and regions no longer reported, of the last <hours> hours: <value>",
        description="No exporter reports them any more: <targets>. If they were taken out on purpose, the alert ends by "
        "itself after <hours> hours; if not, look at the config, at the discovery of accounts and for missing shards.",
        parts={"hours": str(v["hours"]), "targets": lookup_each(named, "", "target")},
    )


def data_stale(v):
    return dict(
        alert="BedrockDataStale",
        severity="warning",
        values=v,
        dashboard="exporter",
        labels=TARGET,
        expr=stale(v),
        summary="Usage of <account_id>, <region> is <value_duration> old",
        description="The last minute that was read for every id ended <value_duration> ago (<where>); up to <normal> is "
        "normal. Throttling there is seen late or not at all.",
        parts={"normal": minutes(v["seconds"])},
    )


def credentials_failing(v):
    classes = "access_denied|no_credentials|expired_credentials|region_disabled|wrong_account"
    errors = f'bedrock_exporter_collection_errors_total{{class=~"{classes}"}}'
    return dict(
        alert="BedrockCredentialsFailing",
        severity="warning",
        values=v,
        dashboard="exporter",
        labels=COLLECTOR + ", class",
        expr=f"""\
{top(COLLECTOR + ", class", f"increase({errors}[{v['window']}])")} > 0
and on ({COLLECTOR})
{top(COLLECTOR, "bedrock_exporter_target_up")} == 0""",
        summary="AWS refuses the exporter in <account_id>, <region>: <class>",
        description="Collecting <collector> fails with <class> (<where>). A role, trust policy, permission or organization "
        "policy is missing or has changed, the credentials ran out, or the region is not enabled. The exporter's log names "
        "the call and the permission.",
    )


def not_scraped(values):
    instances = f"""\
(
  up{{job=~"{values["exporter"]["job"]}"}}
  or
  up and on (job, instance) max_over_time(bedrock_exporter_build_info[1d])
)"""
    down = f"max by (job) {instances} == 0"
    yield dict(
        alert="BedrockExporterDown",
        severity="critical",
        values=values["exporter_down"],
        dashboard="exporter",
        labels="job",
        expr=down,
        summary="No exporter of <job> answers",
        description="Prometheus can scrape no instance of <job>. Bedrock's quotas and throttling are unseen, and the alerts "
        "on them cannot fire.",
    )
    yield dict(
        alert="BedrockExporterReplicaDown",
        severity="warning",
        values=values["replica_down"],
        dashboard="exporter",
        labels="job, instance",
        expr=f"min by (job, instance) {instances} == 0\nunless on (job)\n{down}",
        summary="Exporter <instance> of <job> does not answer",
        description="Prometheus cannot scrape <instance>, though others of <job> answer. If it is a replica, a spare is "
        "lost; if it is a shard, its accounts and regions are unseen.",
    )
    yield dict(
        alert="BedrockExporterAbsent",
        severity="critical",
        values=values["exporter_absent"],
        dashboard="exporter",
        labels="",
        expr="absent(bedrock_exporter_build_info)",
        summary="No Bedrock quota exporter is scraped at all",
        description="Prometheus has no bedrock_exporter_build_info: the exporter is down, was never scraped, or its scrape "
        "job is gone. Bedrock's quotas and throttling are unseen, and the alerts on them cannot fire.",
    )


def shard_missing(v):
    """The value of bedrock_exporter_shard is the total, so that PromQL can count against it. A rollout to another
    total is let through: the total is there for a while already, and its shards may come and go meanwhile."""
    labels = "job, total"
    shard, known = "bedrock_exporter_shard", f"bedrock_exporter_shard offset {v['settled']}"
    seen = f"max_over_time({shard}[{v['settled']}])"
    return dict(
        alert="BedrockShardMissing",
        severity="critical",
        values=v,
        dashboard="exporter",
        labels=labels,
        expr=f"""\
count by ({labels}) ({top("job, total, shard", seen)})
< on ({labels})
(
  {top(labels, shard)}
  and on ({labels})
  {top(labels, known)}
)""",
        summary="Only <value> of <total> shards of <job> are there",
        description="The accounts are shared in <total> slices, and only <value> of them are watched (shards <shards>; "
        "counted from 0). Accounts of the others are unseen: throttling there pages nobody.",
        parts={"shards": lookup_each("max by (shard) (bedrock_exporter_shard{%s})", labels, "shard", "none")},
    )


def shards_disagree(v):
    said = top("job, total", "bedrock_exporter_shard")
    before = top("job, total", f"bedrock_exporter_shard offset {v['settled']}")
    return dict(
        alert="BedrockShardsDisagree",
        severity="warning",
        values=v,
        dashboard="exporter",
        labels="job",
        expr=f"""\
count by (job) (
  {said}
  and on (job, total)
  {before}
) > 1""",
        summary="Exporters of <job> share the accounts in <value> different ways",
        description="Exporters of <job> disagree on how many slices the accounts are shared in: <totals>. Some accounts are "
        "watched twice, and some maybe by none.",
        parts={"totals": lookup_each("max by (total) (bedrock_exporter_shard{%s})", "job", "total", "none")},
    )


def budget_degraded(v):
    return dict(
        alert="BedrockBudgetDegraded",
        severity="warning",
        values=v,
        dashboard="exporter",
        labels=TARGET,
        expr=f"{top(TARGET, 'bedrock_exporter_budget_degraded')} > 0",
        summary="The CloudWatch budget slows the reading of <account_id>, <region>",
        description="To stay within budget.dollars_per_day the exporter reads the calmest ids less often (<where>). None is "
        "left out, but their numbers are older.",
    )


def reload_failed(v):
    return dict(
        alert="BedrockConfigReloadFailed",
        severity="warning",
        values=v,
        dashboard="exporter",
        labels="job, instance",
        expr=f"{top('job, instance', 'bedrock_exporter_config_last_reload_successful')} == 0",
        summary="Exporter <instance> refused its new config",
        description="The last reload of <instance> (<job>) failed; it goes on with the config it had. Its log and the "
        "answer of /-/reload name every complaint.",
    )


def discovery_failing(v):
    return dict(
        alert="BedrockDiscoveryFailing",
        severity="warning",
        values=v,
        dashboard="exporter",
        labels="job, instance, discovery",
        expr=f"{top('job, instance, discovery', 'bedrock_exporter_discovery_up')} == 0",
        summary="Exporter <instance> cannot list <discovery>",
        description="AWS does not tell <instance> (<job>) which <discovery> there are. Those it knows are watched on; what "
        "is new is missed, and nothing at all is watched of what it never learned. Its log names the call and the error.",
    )


def stuck(v):
    return dict(
        alert="BedrockExporterStuck",
        severity="critical",
        values=v,
        dashboard="exporter",
        labels="job, instance",
        expr=f"time() - {top('job, instance', 'bedrock_exporter_writer_last_turn_timestamp_seconds')} > {v['seconds']}",
        summary="Exporter <instance> answers, but reads nothing any more",
        description=f"<instance> (<job>) has not looked for what is due for {minutes(v['seconds'])}, or its clock is "
        "behind by as much. Its numbers stand still, and what they show may be over.",
    )
