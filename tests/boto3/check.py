"""Checks the simulated AWS with a client that knows nothing of it: boto3.

    python3 tests/boto3/check.py http://127.0.0.1:PORT

Leaves the clock standing and no faults. Exits with the first thing that is wrong.
"""

import json
import sys
import time
import urllib.request

try:
    import boto3
    import botocore.model
    import cbor2
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.config import Config
    from botocore.exceptions import ClientError
except ImportError as missing:
    sys.exit(f"{missing.name} is missing: run `make test`, which installs it")

NOON = 1_795_176_000  # 2026-11-20 12:00 UTC
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
SHARING = ["us.anthropic.claude-haiku-4-5-20251001-v1:0", "srch7f3k2m9q", "supp4d8w1x6z"]
HAIKU_TOKENS = "L-58BE175A"


class Sim:
    def __init__(self, url):
        self.url = url

    def client(self, service, account="000000000000", region="us-east-1", token=None, **config):
        # One attempt, so that throttling is seen; the keys of an account spell it.
        kind = "ASIA" if token else "AKIA"
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=f"{kind}{account}TEST",
            aws_secret_access_key="secret",
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def admin(self, path, method="GET", body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sim/{path}", data, method=method)
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request) as reply:
            text = reply.read()
        return json.loads(text) if text else None


def query(name, model_id, metric, stat="Sum", period=60, namespace="AWS/Bedrock", dimensions=None):
    if dimensions is None:
        dimensions = [{"Name": "ModelId", "Value": model_id}]
    of = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": of, "Period": period, "Stat": stat}}


def points(result):
    """A result as {seconds: value}."""
    seconds = [int(t.timestamp()) for t in result["Timestamps"]]
    return dict(zip(seconds, result["Values"], strict=True))


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["Error"]["Message"], error
        return
    raise AssertionError(f"{call} was not refused with {code}")


def slowly(pages):
    """Pages of an API that allows ten calls at once and ten a second."""
    for page in pages:
        yield page
        time.sleep(0.05)


def check_identity(sim):
    sts = sim.client("sts")
    assert sts.get_caller_identity()["Account"] == "000000000000"
    role = "arn:aws:iam::000000000002:role/reader"
    assumed = sts.assume_role(RoleArn=role, RoleSessionName="check")
    keys = assumed["Credentials"]
    assert keys["Expiration"].timestamp() > time.time()
    account = keys["AccessKeyId"][4:16]
    other = sim.client("sts", account, token=keys["SessionToken"])
    assert other.get_caller_identity()["Account"] == "000000000002"
    nobody = {"RoleArn": "arn:aws:iam::000000000009:role/reader", "RoleSessionName": "check"}
    refused("AccessDenied", sts.assume_role, **nobody)
    labs = sim.client("bedrock", account, "us-west-2", token=keys["SessionToken"])
    assert labs.list_imported_models()["modelSummaries"][0]["modelName"] == "legal-qwen"


def check_quotas(sim):
    quotas = sim.client("service-quotas")
    pages = list(slowly(quotas.get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")))
    sizes = [len(page["Quotas"]) for page in pages]
    assert max(sizes) == 100 and 0 in sizes[:-1], f"pages are full, short and empty: {sizes}"
    applied = {row["QuotaCode"]: row for page in pages for row in page["Quotas"]}
    assert len(applied) == sum(sizes) > 500, "every code once"
    pages = quotas.get_paginator("list_aws_default_service_quotas").paginate(ServiceCode="bedrock")
    default = {row["QuotaCode"]: row for page in slowly(pages) for row in page["Quotas"]}
    assert applied[HAIKU_TOKENS]["Value"] == default[HAIKU_TOKENS]["Value"] == 5_000_000

    research = sim.client("service-quotas", "000000000001", "us-west-2")
    only_default = "L-DE3FBBF4"
    pages = research.get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")
    assert all(row["QuotaCode"] != only_default for p in slowly(pages) for row in p["Quotas"])
    given = {"ServiceCode": "bedrock", "QuotaCode": only_default}
    refused("NoSuchResourceException", research.get_service_quota, **given)
    assert research.get_aws_default_service_quota(**given)["Quota"]["Value"] == 600_000

    history = quotas.list_requested_service_quota_change_history(ServiceCode="bedrock")["RequestedQuotas"]
    assert {row["Status"] for row in history} == {"CASE_OPENED", "CASE_CLOSED", "NOT_APPROVED"}
    opened = quotas.list_requested_service_quota_change_history(Status="CASE_OPENED")["RequestedQuotas"]
    assert [row["DesiredValue"] for row in opened] == [20_000_000]
    refused("NoSuchResourceException", quotas.list_service_quotas, ServiceCode="s3")
    refused("InvalidPaginationTokenException", quotas.list_service_quotas, ServiceCode="bedrock", NextToken="x")


def check_catalog(sim):
    bedrock = sim.client("bedrock")
    models = {row["modelId"]: row for row in bedrock.list_foundation_models()["modelSummaries"]}
    opus = models["anthropic.claude-opus-4-1-20250805-v1:0"]["modelLifecycle"]
    assert (opus["status"], opus["endOfLifeTime"].year) == ("LEGACY", 2027)
    assert models["anthropic.claude-sonnet-4-6"]["inferenceTypesSupported"] == ["INFERENCE_PROFILE"]

    pages = bedrock.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 10})
    system = {row["inferenceProfileId"]: row for p in slowly(pages) for row in p["inferenceProfileSummaries"]}
    assert len(system) > 60 and "eu.anthropic.claude-sonnet-4-6" not in system
    regions = {model["modelArn"].split(":")[3] for model in system[SONNET]["models"]}
    assert regions == {"us-east-1", "us-east-2", "us-west-2"}
    everywhere = system["global.anthropic.claude-opus-5"]["models"]
    assert "" in {model["modelArn"].split(":")[3] for model in everywhere}

    application = bedrock.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"]
    search = next(row for row in application if row["inferenceProfileId"] == "srch7f3k2m9q")
    assert search["models"] == system[SHARING[0]]["models"]
    arn = search["inferenceProfileArn"]
    assert {"key": "team", "value": "search"} in bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
    for identifier in (arn, "srch7f3k2m9q"):
        found = bedrock.get_inference_profile(inferenceProfileIdentifier=identifier)
        assert found["inferenceProfileName"] == "search-assistant"
    nothing = {"inferenceProfileIdentifier": "nothing"}
    refused("ResourceNotFoundException", bedrock.get_inference_profile, **nothing)

    west = sim.client("bedrock", region="us-west-2")
    throughput = west.list_provisioned_model_throughputs()["provisionedModelSummaries"][0]
    assert (throughput["modelUnits"], throughput["desiredModelUnits"]) == (2, 3)
    assert throughput["commitmentExpirationTime"].timestamp() > NOON
    running = west.list_model_invocation_jobs(statusEquals="InProgress")["invocationJobSummaries"]
    assert [job["processedRecordCount"] for job in running] == [31_000]
    assert len(west.list_model_invocation_jobs()["invocationJobSummaries"]) == 3
    research = sim.client("bedrock", "000000000001")
    deployment = research.list_custom_model_deployments()["modelDeploymentSummaries"][0]
    assert "/amazon.nova-lite-v1:0:300k/" in deployment["modelArn"]


def check_metrics(sim, protocol):
    cloudwatch = sim.client("cloudwatch")
    assert cloudwatch.meta.service_model.resolved_protocol == protocol
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="AWS/Bedrock", RecentlyActive="PT3H")
    listed = [(m["MetricName"], {d["Name"]: d["Value"] for d in m["Dimensions"]}) for p in pages for m in p["Metrics"]]
    for found in [
        ("InvocationThrottles", {"ModelId": "us.deepseek.r1-v1:0"}),
        ("InvocationThrottles", {}),
        ("InputTokenCount", {"ModelId": SONNET, "ContextWindow": "1M"}),
    ]:
        assert found in listed, found
    by_project = [{"Name": "Project"}]
    mantle = cloudwatch.list_metrics(Namespace="AWS/BedrockMantle", MetricName="Inferences", Dimensions=by_project)
    assert len(mantle["Metrics"]) == 4, mantle["Metrics"]

    # Minutes, an hour, and the quota's truth add up.
    window = {"StartTime": NOON - 7200, "EndTime": NOON - 3600}
    queries = [query(f"m{i}", id, "EstimatedTPMQuotaUsage") for i, id in enumerate(SHARING)]
    queries += [query(f"h{i}", id, "EstimatedTPMQuotaUsage", period=3600) for i, id in enumerate(SHARING)]
    reply = cloudwatch.get_metric_data(MetricDataQueries=queries, ScanBy="TimestampAscending", **window)
    results = {result["Id"]: points(result) for result in reply["MetricDataResults"]}
    assert all(result["StatusCode"] == "Complete" for result in reply["MetricDataResults"])
    for i in range(3):
        assert list(results[f"m{i}"]) == list(range(NOON - 7200, NOON - 3600, 60))
        assert results[f"h{i}"] == {NOON - 7200: sum(results[f"m{i}"].values())}
    asked = f"account=000000000000&region=us-east-1&code={HAIKU_TOKENS}"
    truth = sim.admin(f"truth?{asked}&from={NOON // 60 - 120}&until={NOON // 60 - 60}")
    for row in truth:
        assert row["charge"] == sum(results[f"m{i}"][row["minute"] * 60] for i in range(3))

    # Later pages bring what the first had no room for.
    parts = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, ScanBy="TimestampAscending", PaginationConfig={"PageSize": 50}, **window
    )
    joined = {}
    for part in parts:
        for result in part["MetricDataResults"]:
            joined.setdefault(result["Id"], {}).update(points(result))
    assert joined == results

    statistics = [query(f"s{i}", SONNET, "InvocationLatency", stat) for i, stat in enumerate(
        ["Minimum", "p50", "Average", "p90", "p99", "Maximum", "SampleCount"])]
    minute = {"StartTime": NOON - 660, "EndTime": NOON - 600}
    reply = cloudwatch.get_metric_data(MetricDataQueries=statistics, **minute)
    values = [result["Values"][0] for result in reply["MetricDataResults"]]
    assert values[:2] == sorted(values[:2]) and values[2:6] == sorted(values[2:6]), values
    assert values[6] > 800, values

    # Buckets follow StartTime, rounded down to the minute.
    odd = [query("odd", SONNET, "Invocations", period=300)]
    reply = cloudwatch.get_metric_data(MetricDataQueries=odd, StartTime=NOON - 1937, EndTime=NOON - 1300)
    assert list(points(reply["MetricDataResults"][0])) == [NOON - 1380, NOON - 1680, NOON - 1980]

    # One-minute points are kept for 15 days, hours for longer.
    old = {"StartTime": NOON - 20 * 86400, "EndTime": NOON - 20 * 86400 + 3600}
    ages = [query("minutes", SONNET, "Invocations"), query("hours", SONNET, "Invocations", period=3600)]
    kept = cloudwatch.get_metric_data(MetricDataQueries=ages, **old)["MetricDataResults"]
    assert [len(result["Values"]) for result in kept] == [0, 1]

    many = [query(f"q{i}", SONNET, "Invocations") for i in range(501)]
    refused("ValidationError", cloudwatch.get_metric_data, MetricDataQueries=many, **window)
    twice = [query("q", SONNET, "Invocations")] * 2
    refused("ValidationError", cloudwatch.get_metric_data, MetricDataQueries=twice, **window)
    for wrong in [query("q", SONNET, "Invocations", "Total"), query("q", SONNET, "Invocations", period=90),
                  query("Q", SONNET, "Invocations"), {"Id": "q", "Expression": "SEARCH('', 'Sum')"}]:
        refused("ValidationError", cloudwatch.get_metric_data, MetricDataQueries=[wrong], **window)
    backwards = {"StartTime": NOON, "EndTime": NOON - 60}
    refused("ValidationError", cloudwatch.get_metric_data, MetricDataQueries=ages, **backwards)
    refused("InvalidParameterValue", cloudwatch.list_metrics, RecentlyActive="PT1H")
    refused("InvalidNextToken", cloudwatch.get_metric_data, MetricDataQueries=ages, NextToken="x", **window)
    return results


def check_filters(sim):
    """What a request filters by is honoured, or refused; never ignored."""
    bedrock = sim.client("bedrock")
    every = bedrock.list_foundation_models()["modelSummaries"]
    for asked, member in [
        ({"byProvider": "anthropic"}, lambda row: row["providerName"] == "Anthropic"),
        ({"byInferenceType": "PROVISIONED"}, lambda row: "PROVISIONED" in row["inferenceTypesSupported"]),
        ({"byOutputModality": "EMBEDDING"}, lambda row: "EMBEDDING" in row["outputModalities"]),
    ]:
        wanted = [row["modelId"] for row in every if member(row)]
        found = [row["modelId"] for row in bedrock.list_foundation_models(**asked)["modelSummaries"]]
        assert found == wanted and 0 < len(found) < len(every), asked
    time.sleep(1)
    refused("ValidationException", bedrock.list_foundation_models, byInferenceType="CROSS_REGION")
    refused("ValidationException", bedrock.list_inference_profiles, typeEquals="CUSTOM")
    west = sim.client("bedrock", region="us-west-2")
    jobs = west.list_model_invocation_jobs(nameContains="backfill")["invocationJobSummaries"]
    assert {job["jobName"] for job in jobs} == {"backfill-2025", "backfill-2026"}
    refused("ValidationException", west.list_model_invocation_jobs, sortBy="CreationTime")
    refused("ValidationException", west.list_provisioned_model_throughputs, statusEquals="Gone")

    quotas = sim.client("service-quotas", "000000000002", "ap-northeast-1")
    one = quotas.list_service_quotas(ServiceCode="bedrock", QuotaCode="L-E3F10727")["Quotas"]
    assert [row["QuotaCode"] for row in one] == ["L-E3F10727"], one
    levels = {}
    for level in ["ACCOUNT", "RESOURCE", "ALL"]:
        pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="bedrock", QuotaAppliedAtLevel=level)
        levels[level] = [row["QuotaAppliedAtLevel"] for page in slowly(pages) for row in page["Quotas"]]
        time.sleep(1)
    assert levels["RESOURCE"] == ["RESOURCE"] and set(levels["ACCOUNT"]) == {"ACCOUNT"}
    assert sorted(levels["ALL"]) == sorted(levels["RESOURCE"] + levels["ACCOUNT"])
    wrong = {"ServiceCode": "bedrock", "QuotaAppliedAtLevel": "REGION"}
    refused("ValidationException", quotas.list_service_quotas, **wrong)
    refused("ValidationException", quotas.list_requested_service_quota_change_history, Status="OPEN")
    pages = slowly(quotas.get_paginator("list_service_quotas").paginate(ServiceCode="bedrock"))
    metered = [row for page in pages for row in page["Quotas"] if "UsageMetric" in row]
    assert len(metered) > 50 and {row["UsageMetric"]["MetricNamespace"] for row in metered} == {"AWS/Usage"}
    assert not [row for row in metered if "model inference" in row["QuotaName"]]

    cloudwatch = sim.client("cloudwatch")
    refused("ValidationError", cloudwatch.list_metrics, Dimensions=[{"Name": f"d{i}"} for i in range(11)])
    both = {**query("q", SONNET, "Invocations"), "Expression": "SUM(METRICS())"}
    many = [{"Name": f"d{i}", "Value": "x"} for i in range(31)]
    wide = query("q", SONNET, "Invocations", dimensions=many)
    for wrong in [both, wide, {"Id": "q"}]:
        ask = {"MetricDataQueries": [wrong], "StartTime": NOON - 600, "EndTime": NOON}
        refused("ValidationError", cloudwatch.get_metric_data, **ask)

    nobody = sim.client("bedrock", "999999999999")
    refused("UnrecognizedClientException", nobody.list_foundation_models)
    refused("InvalidClientTokenId", sim.client("sts", "999999999999").get_caller_identity)


def check_query_protocol(sim):
    """Older SDKs ask CloudWatch in forms; they are told so, and answered nothing."""
    preferred = botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS
    botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = ("query",)
    older = sim.client("cloudwatch")
    botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = preferred
    assert older.meta.service_model.resolved_protocol == "query"
    refused("UnsupportedProtocol", older.list_metrics, Namespace="AWS/Bedrock")
    try:
        older.list_metrics()
    except ClientError as error:
        assert "Query protocol" in str(error), error


def check_irregularity(sim):
    """What the admin switches: publishing, quotas, and what lists leave out."""
    cloudwatch = sim.client("cloudwatch")
    queries = [query(f"q{i}", id, "Invocations") for i, id in enumerate(SHARING)]
    window = {"StartTime": NOON - 3600, "EndTime": NOON}

    def minutes():
        reply = cloudwatch.get_metric_data(MetricDataQueries=queries, **window)
        return [len(result["Values"]) for result in reply["MetricDataResults"]]

    def put(path, body):
        return sim.admin(path, "PUT", body)

    usual = minutes()
    assert put("publishing", "at_once")["latest"] == 0
    assert minutes() == [60] * 3
    irregular = put("publishing", "irregular")
    assert irregular["tail"] == 1800 and sum(minutes()) < sum(usual)
    assert put("publishing", {"outages": [{"start": NOON - 1800, "end": NOON + 60}]})["latest"] == 180
    assert all(count < 32 for count in minutes()), "half an hour of silence"
    put("publishing", "regular")
    assert minutes() == usual

    quotas, bedrock = sim.client("service-quotas"), sim.client("bedrock")
    tokens = {"ServiceCode": "bedrock", "QuotaCode": HAIKU_TOKENS}
    here = {"account": "000000000000", "region": "us-east-1"}
    put("quotas", [{**here, "code": HAIKU_TOKENS, "value": 77}])
    assert quotas.get_service_quota(**tokens)["Quota"]["Value"] == 77
    put("quotas", [{**here, "code": HAIKU_TOKENS, "value": 5_000_000}])
    hidden = [{**here, "name": name, "from": NOON - 60, "until": NOON + 60} for name in (HAIKU_TOKENS, "srch7f3k2m9q")]
    put("hidden", hidden)
    refused("NoSuchResourceException", quotas.get_service_quota, **tokens)
    ids = lambda: {row["inferenceProfileId"] for row in bedrock.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"]}
    assert ids() == {"supp4d8w1x6z"}
    put("hidden", [])
    assert ids() == {"srch7f3k2m9q", "supp4d8w1x6z"}

    arn = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/"
    put("faults", [{"kind": "resource_denied", "resource": "srch7f3k2m9q"}, {"service": "servicequotas", "kind": "cut_list"}])
    refused("AccessDeniedException", bedrock.list_tags_for_resource, resourceARN=f"{arn}srch7f3k2m9q")
    assert bedrock.list_tags_for_resource(resourceARN=f"{arn}supp4d8w1x6z")["tags"]
    first = quotas.list_service_quotas(ServiceCode="bedrock")
    assert len(first["Quotas"]) == 100 and "NextToken" not in first
    sim.admin("faults", "DELETE")


NOVA = "us.amazon.nova-micro-v1:0"  # nobody else's traffic in us-east-1
NOVA_ROW = "Cross-region model inference {} per minute for Amazon Nova Micro"


def say(text="hello", **config):
    message = {"role": "user", "content": [{"text": text}]}
    return {"modelId": NOVA, "messages": [message], "inferenceConfig": config}


def check_runtime(sim):
    """Calls are admitted, settled, and appear in CloudWatch as late as all others."""
    runtime, cloudwatch = sim.client("bedrock-runtime"), sim.client("cloudwatch")
    rows = {}
    for page in slowly(sim.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")):
        rows.update({row["QuotaName"].lower(): row["QuotaCode"] for row in page["Quotas"]})
    requests, tokens = (rows[NOVA_ROW.format(what).lower()] for what in ("requests", "tokens"))
    here = {"account": "000000000000", "region": "us-east-1"}

    def limit(code, value):
        sim.admin("quotas", "PUT", [{**here, "code": code, "value": value}])

    def at(seconds):
        sim.admin("clock", "PUT", {"now": NOON + seconds})

    def calls(count, **request):
        """How many of so many calls are let in, and the last refusal."""
        let_in, refusal = 0, None
        for _ in range(count):
            try:
                runtime.converse(**request)
                let_in += 1
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ThrottlingException", error
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 429
                refusal = error.response["Error"]["Message"]
        return let_in, refusal

    # Ten requests a minute: ten at once, one more after six seconds.
    at(600)
    limit(requests, 10)
    limit(tokens, 100_000)
    sim.admin("runtime", "PUT", {"output_tokens": 40})
    reply = runtime.converse(**say("x" * 400))
    assert reply["usage"] == {"inputTokens": 100, "outputTokens": 40, "totalTokens": 140,
                              "cacheReadInputTokens": 0, "cacheWriteInputTokens": 0}, reply["usage"]
    assert reply["stopReason"] == "end_turn" and reply["output"]["message"]["content"][0]["text"]
    assert runtime.converse(**say(maxTokens=10))["stopReason"] == "max_tokens"
    let_in, refusal = calls(20, **say(maxTokens=100))
    assert let_in == 8 and refusal.startswith("Too many requests"), (let_in, refusal)
    at(606)
    assert calls(5, **say(maxTokens=100))[0] == 1

    # 5,000 tokens a minute and max_tokens of 2,000: each call holds 2,100, and gives back all but 140.
    at(720)
    limit(requests, 1000)
    limit(tokens, 5000)
    text = "x" * 400
    let_in, refusal = calls(40, **say(text, maxTokens=2000))
    assert (let_in, refusal[:15]) == (21, "Too many tokens"), (let_in, refusal)
    at(780)
    assert calls(1, **say(text, maxTokens=4950))[0] == 0, "it reserves more than the limit"
    assert calls(1, **say(text))[0] == 0, "the model's maximum is reserved when nothing is given"
    assert calls(1, **say(text, maxTokens=4900))[0] == 1

    # What CloudWatch shows of all that, when it is due.
    def metric(name, minute, model=NOVA):
        window = {"StartTime": NOON + minute, "EndTime": NOON + minute + 60}
        found = cloudwatch.get_metric_data(MetricDataQueries=[query("q", model, name)], **window)
        return sum(found["MetricDataResults"][0]["Values"])

    assert metric("Invocations", 600) == 0, "too early"
    at(1200)
    assert (metric("Invocations", 600), metric("InvocationThrottles", 600)) == (11, 16)
    assert (metric("Invocations", 720), metric("InvocationThrottles", 720)) == (21, 19)
    assert (metric("InputTokenCount", 720), metric("OutputTokenCount", 720)) == (21 * 100, 21 * 40)
    assert metric("EstimatedTPMQuotaUsage", 720) == 21 * 140
    truth = sim.admin(f"truth?account=000000000000&region=us-east-1&code={tokens}&from={NOON // 60 + 12}&until={NOON // 60 + 13}")
    assert truth[0]["charge"] == 21 * 140

    # Bodies of the makers.
    bodies = {
        SHARING[0]: (
            {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10, "messages": [{"role": "user", "content": text}]},
            lambda body: (body["usage"]["input_tokens"], body["usage"]["output_tokens"], body["stop_reason"]),
            (100, 10, "max_tokens"),
        ),
        "us.amazon.nova-lite-v1:0": (
            {"messages": [{"role": "user", "content": [{"text": text}]}], "inferenceConfig": {"maxTokens": 99}},
            lambda body: (body["usage"]["inputTokens"], body["usage"]["outputTokens"], body["stopReason"]),
            (100, 40, "end_turn"),
        ),
        "us.meta.llama4-maverick-17b-instruct-v1:0": (
            {"prompt": text, "max_gen_len": 10},
            lambda body: (body["prompt_token_count"], body["generation_token_count"], body["stop_reason"]),
            (100, 10, "length"),
        ),
        "amazon.titan-embed-text-v2:0": (
            {"inputText": text},
            lambda body: (body["inputTextTokenCount"], len(body["embedding"]), None),
            (100, 256, None),
        ),
    }
    for model, (body, read, wanted) in bodies.items():
        reply = runtime.invoke_model(modelId=model, body=json.dumps(body))
        assert read(json.loads(reply["body"].read())) == wanted, model
        assert reply["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-input-token-count"] == "100"
    wrong = {"modelId": SHARING[0], "body": json.dumps({"prompt": "x"})}
    refused("ValidationException", runtime.invoke_model, **wrong)
    refused("ValidationException", runtime.converse, **{**say(), "modelId": "us.acme.nothing-v1:0"})

    # An application profile is invoked by its ARN and metered by its id.
    arn = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/gone"
    refused("ValidationException", runtime.converse, **{**say(), "modelId": arn})
    assert runtime.converse(**{**say(maxTokens=5), "modelId": arn.replace("gone", "srch7f3k2m9q")})

    # A cached prefix is written once and read later.
    cached = {**say(maxTokens=5), "system": [{"text": "y" * 8000}, {"cachePoint": {"type": "default"}}]}
    first, second = (runtime.converse(**cached)["usage"] for _ in range(2))
    assert (first["cacheWriteInputTokens"], first["cacheReadInputTokens"]) == (2000, 0)
    assert (second["cacheWriteInputTokens"], second["cacheReadInputTokens"]) == (0, 2000)


def check_runtime_streams(sim):
    runtime, cloudwatch = sim.client("bedrock-runtime"), sim.client("cloudwatch")
    sim.admin("clock", "PUT", {"now": NOON + 1800})
    sim.admin("runtime", "PUT", {"output_tokens": 50})

    def events():
        return [event for event in runtime.converse_stream(**say("x" * 400, maxTokens=100))["stream"]]

    kinds = [next(iter(event)) for event in events()]
    assert kinds == ["messageStart", *["contentBlockDelta"] * 3, "contentBlockStop", "messageStop", "metadata"], kinds
    assert events()[-1]["metadata"]["usage"]["outputTokens"] == 50

    def broken(fault):
        sim.admin("faults", "PUT", [{"service": "bedrock-runtime", **fault}])
        seen = []
        try:
            for event in runtime.converse_stream(**say("x" * 400, maxTokens=100))["stream"]:
                seen.append(next(iter(event)))
        except Exception as error:
            return seen, error
        finally:
            sim.admin("faults", "DELETE")
        raise AssertionError(f"{fault} broke nothing: {seen}")

    seen, error = broken({"kind": "stream_throttled", "after": 1})
    assert seen == ["messageStart", "contentBlockDelta"] and "throttlingException" in str(error), (seen, error)
    seen, error = broken({"kind": "stream_cut", "after": 2})
    assert "metadata" not in seen and not isinstance(error, ClientError), (seen, error)

    # Overload and lack of capacity, on demand.
    for fault, status, code in [
        ({"kind": "overloaded", "retry_after": 7}, 529, "OverloadedException"),
        ({"kind": "status", "status": 503}, 503, "ServiceUnavailableException"),
        ({"kind": "status", "status": 429}, 429, "ThrottlingException"),
    ]:
        sim.admin("faults", "PUT", [{"service": "bedrock-runtime", **fault}])
        try:
            runtime.converse(**say())
            raise AssertionError(f"{fault} is not met")
        except ClientError as error:
            meta = error.response["ResponseMetadata"]
            assert (meta["HTTPStatusCode"], error.response["Error"]["Code"]) == (status, code), error
            assert meta["HTTPHeaders"].get("retry-after") == ("7" if status == 529 else None)
    sim.admin("faults", "DELETE")
    # Not in the minutes before: of the calls that were never begun, too, each is counted once.
    sim.admin("clock", "PUT", {"now": NOON + 2400})
    names = ["Invocations", "InvocationServerErrors", "InvocationThrottles", "OutputTokenCount"]
    window = {"StartTime": NOON + 1800, "EndTime": NOON + 1860}
    queries = [query(f"q{i}", NOVA, name) for i, name in enumerate(names)]
    deadline = time.time() + 10
    while True:
        # A stream is counted when its last byte is sent, a little after it was read.
        found = cloudwatch.get_metric_data(MetricDataQueries=queries, **window)["MetricDataResults"]
        counts = [sum(result["Values"]) for result in found]
        if counts == [4, 2, 1, 50 + 50 + 20 + 40] or time.time() > deadline:
            break
    assert counts == [4, 2, 1, 160], counts
    sim.admin("clock", "PUT", {"now": NOON})


def check_organization(sim):
    organizations = sim.client("organizations")
    pages = list(organizations.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Accounts"]) for page in pages] == [3, 1], pages
    accounts = {row["Id"][-1]: row for page in pages for row in page["Accounts"]}
    assert {i: row["Name"] for i, row in accounts.items()} == {
        "0": "production", "1": "research", "2": "labs", "3": "retired"}
    assert [accounts[i]["State"] for i in "0123"] == ["ACTIVE"] * 3 + ["SUSPENDED"]
    assert accounts["1"]["Arn"].split(":")[:5] == ["arn", "aws", "organizations", "", "000000000000"]
    assert accounts["1"]["JoinedTimestamp"].year == 2020

    def below(parent):
        pages = organizations.get_paginator("list_organizational_units_for_parent").paginate(ParentId=parent)
        units = [unit["Id"] for page in pages for unit in page["OrganizationalUnits"]]
        time.sleep(0.5)
        rows = organizations.list_accounts_for_parent(ParentId=parent)["Accounts"]
        return units, [row["Name"] for row in rows]

    assert below("r-demo") == (["ou-demo-workload", "ou-demo-sandbox0"], ["production"])
    assert below("ou-demo-workload") == (["ou-demo-research"], [])
    assert below("ou-demo-sandbox0") == ([], ["labs", "retired"])
    time.sleep(1)
    tags = organizations.list_tags_for_resource(ResourceId="000000000001")["Tags"]
    assert tags == [{"Key": "bedrock", "Value": "true"}]
    refused("TargetNotFoundException", organizations.list_tags_for_resource, ResourceId="000000000009")
    refused("ParentNotFoundException", organizations.list_accounts_for_parent, ParentId="ou-demo-nowhere0")
    refused("InvalidInputException", organizations.list_accounts, MaxResults=21)
    refused("AccessDeniedException", sim.client("organizations", "000000000001").list_accounts)
    answers = set()
    for _ in range(12):
        try:
            answers.add(len(organizations.list_accounts()["Accounts"]))
        except ClientError as error:
            answers.add(error.response["Error"]["Code"])
    assert answers == {4, "TooManyRequestsException"}, answers


def check_regions(sim):
    account = sim.client("account")
    pages = list(account.get_paginator("list_regions").paginate(PaginationConfig={"PageSize": 5}))
    assert len(pages) > 1
    rows = {row["RegionName"]: row["RegionOptStatus"] for page in pages for row in page["Regions"]}
    enabled = {"us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"}
    assert {name for name, status in rows.items() if status == "ENABLED_BY_DEFAULT"} == enabled
    time.sleep(1)
    only = account.list_regions(RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"])["Regions"]
    assert {row["RegionName"] for row in only} == enabled
    refused("ValidationException", account.list_regions, NextToken="x")
    elsewhere = sim.client("account", region="eu-central-1")
    refused("InvalidSignatureException", elsewhere.list_regions)


def check_monitoring(sim):
    monitoring = sim.client("cloudwatch")
    asked = {"Namespace": "AWS/Bedrock", "MetricName": "Invocations", "RecentlyActive": "PT3H"}

    def listed(client=monitoring, **more):
        metrics, owners = set(), []
        for page in client.get_paginator("list_metrics").paginate(**asked, **more):
            names = [tuple(sorted((d["Name"], d["Value"]) for d in m["Dimensions"])) for m in page["Metrics"]]
            owners += page.get("OwningAccounts", [])
            metrics.update(names)
        return metrics, owners

    own, none = listed()
    assert own and none == []
    source = sim.client("cloudwatch", "000000000001")
    theirs, owners = listed(IncludeLinkedAccounts=True, OwningAccount="000000000001")
    assert theirs == listed(source)[0] != own and set(owners) == {"000000000001"}
    both, owners = listed(IncludeLinkedAccounts=True)
    assert both == own | theirs and set(owners) == {"000000000000", "000000000001"}
    assert listed(IncludeLinkedAccounts=True, OwningAccount="000000000002") == (set(), [])
    assert listed(source, IncludeLinkedAccounts=True)[0] == theirs, "no monitoring account"

    wanted = query("q", "us.anthropic.claude-sonnet-4-6", "Invocations")
    window = {"StartTime": NOON - 1200, "EndTime": NOON - 600}

    def read(client, **more):
        result = client.get_metric_data(MetricDataQueries=[{**wanted, **more}], **window)["MetricDataResults"][0]
        return result["StatusCode"], points(result)

    status, truth = read(source)
    assert status == "Complete" and len(truth) == 10
    assert read(monitoring, AccountId="000000000001") == (status, truth)
    assert read(monitoring, AccountId="000000000000") == read(monitoring) != (status, truth)
    assert read(monitoring, AccountId="000000000002") == ("Forbidden", {})

    oam = sim.client("oam")
    sinks = oam.list_sinks()["Items"]
    assert [sink["Arn"].split(":")[4] for sink in sinks] == ["000000000000"]
    links = oam.list_attached_links(SinkIdentifier=sinks[0]["Arn"])["Items"]
    assert [(link["LinkArn"].split(":")[4], link["ResourceTypes"]) for link in links] == [
        ("000000000001", ["AWS::CloudWatch::Metric"])]
    strangers = sim.client("oam", "000000000001")
    assert strangers.list_sinks()["Items"] == []
    refused("ResourceNotFoundException", strangers.list_attached_links, SinkIdentifier=sinks[0]["Arn"])


def check_lateness(sim):
    cloudwatch = sim.client("cloudwatch")
    window = {"StartTime": NOON - 60, "EndTime": NOON}
    ids = ["us.deepseek.r1-v1:0", SONNET, *SHARING]
    queries = [query(f"q{i}", id, "Invocations") for i, id in enumerate(ids)]

    def seen(at):
        sim.admin("clock", "PUT", {"now": at})
        reply = cloudwatch.get_metric_data(MetricDataQueries=queries, **window)
        return [sum(result["Values"]) for result in reply["MetricDataResults"]]

    assert not any(seen(NOON + 59)), "nothing is there within the first minute"
    assert all(seen(NOON + 180)), "everything is there after three"
    settled = seen(NOON + 240)
    assert settled == seen(NOON + 86400), "nothing grows after four"
    earlier = [seen(NOON + age) for age in range(60, 240, 10)]
    assert earlier == sorted(earlier, key=sum) and earlier[-1] != earlier[0]
    sim.admin("clock", "PUT", {"now": NOON})


def check_raw_cbor(sim):
    """The bytes of a CBOR reply: timestamps are tagged, values are floats."""
    url = f"{sim.url}/service/GraniteServiceVersion20100801/operation/GetMetricData"
    at = lambda seconds: cbor2.CBORTag(1, seconds)
    wanted = query("q", SONNET, "Invocations")
    body = cbor2.dumps({"MetricDataQueries": [wanted], "StartTime": at(NOON - 660), "EndTime": at(NOON - 600)})
    headers = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
    request = AWSRequest("POST", url, headers=headers, data=body)
    keys = sim.client("cloudwatch")._request_signer._credentials
    SigV4Auth(keys, "monitoring", "us-east-1").add_auth(request)
    signed = urllib.request.Request(url, body, dict(request.headers.items()), method="POST")
    with urllib.request.urlopen(signed) as reply:
        assert reply.headers["smithy-protocol"] == "rpc-v2-cbor"
        result = cbor2.loads(reply.read())["MetricDataResults"][0]
    assert [t.timestamp() for t in result["Timestamps"]] == [NOON - 660]
    assert isinstance(result["Values"][0], float) and result["Values"][0] > 800


def check_manners(sim):
    quotas = sim.client("service-quotas", "000000000002", "eu-central-1")
    wanted = {"ServiceCode": "bedrock", "QuotaCode": HAIKU_TOKENS}
    answers = []
    for _ in range(30):
        try:
            answers.append(quotas.get_service_quota(**wanted)["Quota"]["QuotaCode"])
        except ClientError as error:
            answers.append(error.response["Error"]["Code"])
    assert set(answers) == {HAIKU_TOKENS, "TooManyRequestsException"}, answers
    mine = [row for row in sim.admin("calls") if (row["operation"], row["account"]) == ("GetServiceQuota", "000000000002")]
    assert (mine[0]["calls"], mine[0]["throttled"]) == (30, answers.count("TooManyRequestsException"))

    stranger = sim.client("bedrock", region="eu-north-1")
    refused("UnrecognizedClientException", stranger.list_foundation_models)
    denied = {"service": "bedrock", "operation": "ListFoundationModels", "kind": "access_denied"}
    sim.admin("faults", "PUT", [denied, {"account": "000000000001", "service": "sts", "kind": "status", "status": 503}])
    refused("AccessDeniedException", sim.client("bedrock").list_foundation_models)
    assert sim.client("bedrock").list_imported_models()["modelSummaries"] == []
    refused("ServiceUnavailable", sim.client("sts", "000000000001").get_caller_identity)
    sim.admin("faults", "DELETE")
    assert sim.client("bedrock").list_foundation_models()["modelSummaries"]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sim = Sim(sys.argv[1].rstrip("/"))
    sim.admin("clock", "PUT", {"now": NOON})
    check_identity(sim)
    check_quotas(sim)
    check_catalog(sim)
    time.sleep(1)
    check_filters(sim)
    check_query_protocol(sim)
    check_irregularity(sim)
    check_organization(sim)
    check_regions(sim)
    check_monitoring(sim)
    in_json = check_metrics(sim, "json")
    # botocore prefers JSON, but speaks CBOR too.
    botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = ("smithy-rpc-v2-cbor", "json", "rest-json", "query")
    check_monitoring(sim)
    in_cbor = check_metrics(sim, "smithy-rpc-v2-cbor")
    assert in_cbor == in_json
    check_raw_cbor(sim)
    check_lateness(sim)
    check_manners(sim)
    time.sleep(1)
    check_runtime(sim)
    check_runtime_streams(sim)
    print("boto3 finds nothing wrong")


if __name__ == "__main__":
    main()
