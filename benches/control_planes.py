"""The usage of quotas that are no model's, read from the simulated AWS by boto3, against what the exporter publishes.

    PATH=$PATH:VENV/bin python benches/control_planes.py EXPORTER [--minutes 8] [--folder FOLDER]

It needs boto3. EXPORTER's simulated AWS plays the demo's accounts in real time, EXPORTER reads it, and is scraped at the end of
every minute. Of every row that carries a UsageMetric, of guardrails and of things that Bedrock lists the usage, the peak
and both ratios are computed here: by the row's own namespace, name, dimensions and statistic, calls summed over the row's
Period, in the minute that `bedrock_service_quota_complete_until_timestamp_seconds` names.

compared: values of either side; wrong: they differ; missing: CloudWatch has a datapoint, and /metrics has no value.
"""

import argparse
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from independent import Machines, client, scrape

REGIONS = ["us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"]
ACCOUNTS = {f"00000000000{n}": REGIONS for n in range(3)}
UNITS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
# Guardrails' rows as AWS's guide of their metrics has them, and their dimensions.
GUARDRAILS = {
    "requests per second": ("Invocations", {}),
    "Sensitive information filter policy text units per second":
        ("TextUnitCount", {"GuardrailPolicyType": "SensitiveInformationPolicy"}),
    "Word filter policy text units per second": ("TextUnitCount", {"GuardrailPolicyType": "WordPolicy"}),
    "contextual grounding policy text units per second":
        ("TextUnitCount", {"GuardrailPolicyType": "ContextualGroundingPolicy"}),
}


def units(kind):
    """What of a throughput without commitment counts."""
    def of(each):
        counts = "commitmentDuration" not in each and each["status"] != "Failed" and f":{kind}/" in each["modelArn"]
        return max(each["modelUnits"], each["desiredModelUnits"]) if counts else 0
    return "list_provisioned_model_throughputs", {}, "provisionedModelSummaries", of


# Operation, arguments, key, and how much an entry counts.
LISTED = {
    "Imported models per account": ("list_imported_models", {}, "modelSummaries", lambda each: 1),
    "Inference profiles per account":
        ("list_inference_profiles", {"typeEquals": "APPLICATION"}, "inferenceProfileSummaries", lambda each: 1),
    "(Model customization) Custom models per account":
        ("list_custom_models", {"isOwned": True}, "modelSummaries", lambda each: 1),
    "Custom models with a creating status per account":
        ("list_custom_models", {"isOwned": True}, "modelSummaries", lambda each: each["modelStatus"] == "Creating"),
    "(Model customization) Total number of custom model deployments":
        ("list_custom_model_deployments", {}, "modelDeploymentSummaries", lambda each: 1),
    "(Model customization) In-progress custom model deployments":
        ("list_custom_model_deployments", {}, "modelDeploymentSummaries", lambda each: each["status"] == "Creating"),
    "Model units no-commitment Provisioned Throughputs across base models": units("foundation-model"),
    "Model units no-commitment Provisioned Throughputs across custom models": units("custom-model"),
}
WINDOW, CALM = 15, 36   # minutes of the look-back window, and how much further back a calm row may not have been read
CONFIG = """
aws: {{endpoint_url: '{sim}'}}
quotas: {{export: all}}
accounts:
"""


class Row:
    def __init__(self, row):
        self.code, self.name, self.value = row["QuotaCode"], row["QuotaName"], row.get("Value")
        metric, period = row.get("UsageMetric"), row.get("Period")
        self.seconds = period["PeriodValue"] * UNITS[period["PeriodUnit"]] if period else None
        if not self.seconds:
            self.seconds = next((s for w, s in (("second", 1), ("minute", 60)) if f"per {w}" in self.name), None)
        self.series = None  # namespace, metric, dimensions, statistic
        guardrail = self.name.removeprefix("(Guardrails) On-demand ApplyGuardrail ")
        if metric:
            name = metric["MetricName"]
            statistic = "Sum" if name == "CallCount" else metric["MetricStatisticRecommendation"]
            self.series = metric["MetricNamespace"], name, metric["MetricDimensions"], statistic
        elif guardrail in GUARDRAILS:
            name, dimensions = GUARDRAILS[guardrail]
            self.series = "AWS/Bedrock/Guardrails", name, {**dimensions, "Operation": "ApplyGuardrail"}, "Sum"

    def fits(self, metric):
        namespace, name, dimensions, _ = self.series
        found = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        if (namespace, name, set(dimensions)) != (metric["Namespace"], metric["MetricName"], set(found)):
            return False
        form = lambda text: re.sub(r"\\\$\\\{\w+\\\}", "[^/$]+", re.escape(text))  # noqa: E731
        return all(re.fullmatch(form(value), found[key]) for key, value in dimensions.items())


def target(sim, account, region):
    """The rows of a target with their series' minutes, and the counts of what is listed."""
    quotas, cloudwatch = client("service-quotas", sim, region, account), client("cloudwatch", sim, region, account)
    found = {}
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        for page in quotas.get_paginator(operation).paginate(ServiceCode="bedrock"):
            for row in page["Quotas"]:
                found[row["QuotaCode"]] = {**found.get(row["QuotaCode"], {}), **row}
    rows = [Row(row) for row in found.values()]
    metrics = []
    for namespace in ("AWS/Usage", "AWS/Bedrock/Guardrails"):
        for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace, RecentlyActive="PT3H"):
            metrics += page["Metrics"]
    asked = [(row, metric) for row in rows if row.series for metric in metrics if row.fits(metric)]
    minutes = defaultdict(list)
    now = int(time.time()) // 60 * 60
    for at in range(0, len(asked), 100):
        batch = asked[at:at + 100]
        queries = [
            {"Id": f"q{n}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": row.series[3]}}
            for n, (row, metric) in enumerate(batch)
        ]
        results = defaultdict(dict)
        for page in cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries, StartTime=now - 4 * 3600, EndTime=now):
            for one in page["MetricDataResults"]:
                points = zip(one["Timestamps"], one["Values"])
                results[one["Id"]] |= {int(moment.timestamp()) // 60: value for moment, value in points}
        for n, (row, _) in enumerate(batch):
            minutes[row.code].append(results[f"q{n}"])
    bedrock = client("bedrock", sim, region, account)
    counts = {}
    for row in rows:
        if row.name in LISTED:
            operation, arguments, key, counted = LISTED[row.name]
            pages = bedrock.get_paginator(operation).paginate(**arguments)
            counts[row.code] = sum(counted(each) for page in pages for each in page[key])
    return rows, minutes, counts


def rate(points, seconds, last):
    span = max(1, seconds // 60)
    return sum(points.get(last - n, 0) for n in range(span)) * (seconds / 60 if seconds < 60 else 1)


def expected(row, all_points, until):
    """Usage, and every peak that the window may have, of the fullest of several things."""
    if row.series[3] == "Maximum":
        newest = [max(minute for minute in points if minute < until) if points else None for points in all_points]
        usage = max((points[minute] for points, minute in zip(all_points, newest)), default=None)
        return usage, {usage}
    usage = max(rate(points, row.seconds, until - 1) for points in all_points)
    peaks = set()
    for first in range(until - WINDOW - CALM, until - WINDOW + 1):
        peaks.add(max(rate(points, row.seconds, last) for points in all_points for last in range(first, until)))
    return usage, peaks


def same(found, wanted):
    return any(abs(found - each) <= 1e-9 * max(1.0, abs(each)) for each in wanted)


def compare(sim, families, tally, odd):
    of = {}
    for family in ("usage", "usage_peak", "utilization_ratio", "utilization_peak_ratio", "complete_until_timestamp_seconds"):
        for labels, value in families[f"bedrock_service_quota_{family}"]:
            of[labels["account_id"], labels["region"], labels["quota_code"], family] = value
    for account, region in ((account, region) for account, regions in ACCOUNTS.items() for region in regions):
        rows, minutes, counts = target(sim, account, region)
        for row in rows:
            found = {family: of.get((account, region, row.code, family)) for family in
                     ("usage", "usage_peak", "utilization_ratio", "utilization_peak_ratio")}
            until = of.get((account, region, row.code, "complete_until_timestamp_seconds"))
            if row.code in counts:
                usage, peaks = counts[row.code], {counts[row.code]}
            elif row.code in minutes and until is not None:
                usage, peaks = expected(row, minutes[row.code], int(until) // 60)
            elif row.code in minutes:
                tally["missing"] += 1
                odd.append((account, region, row.name, "missing"))
                continue
            else:
                if found["usage"] is not None:
                    tally["wrong"] += 1
                    odd.append((account, region, row.name, "nobody counts it", found["usage"]))
                continue
            wanted = {"usage": {usage}, "usage_peak": peaks}
            if row.value:
                wanted["utilization_ratio"] = {usage / row.value}
                wanted["utilization_peak_ratio"] = {peak / row.value for peak in peaks}
            tally["rows", account, region, row.code] += 1
            for family, values in wanted.items():
                tally["compared"] += 1
                if found[family] is None or not same(found[family], values):
                    tally["wrong"] += 1
                    odd.append((account, region, row.name, family, found[family], sorted(values)[:3]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("exporter", type=Path)
    parser.add_argument("--minutes", type=int, default=8)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    machines, tally, odd = Machines(given.exporter, folder), Counter(), []
    try:
        sim = machines.start("sim", [given.exporter, "sim", "--listen", "127.0.0.1:{port}"])
        text = CONFIG.format(sim=sim)
        for account, regions in ACCOUNTS.items():
            role = f"arn:aws:iam::{account}:role/reader"
            text += f"  - {{role_arn: '{role}', regions: [{', '.join(regions)}]}}\n"
        (folder / "config.yaml").write_text(text)
        command = [given.exporter, "serve", "--config.file", folder / "config.yaml", "--web.listen-address", "127.0.0.1:{port}"]
        keys = {"AWS_ACCESS_KEY_ID": "AKIASIMULATED", "AWS_SECRET_ACCESS_KEY": "none"}
        url = machines.start("serve", command, **keys) + "/metrics"
        time.sleep(150)  # the second round is the first to know which rows there are
        for minute in range(given.minutes):
            compare(sim, scrape(url), tally, odd)
            print(f"minute {minute}: {tally['compared']:,} compared, {tally['wrong']} wrong, {tally['missing']} missing",
                  file=sys.stderr)
            time.sleep(60)
    finally:
        machines.end()
    for one in odd[:20]:
        print(*one)
    rows = sum(1 for key in tally if key[0] == "rows")
    print(f"{rows} rows, {tally['compared']:,} values compared, {tally['wrong']} wrong, {tally['missing']} missing")


if __name__ == "__main__":
    main()
