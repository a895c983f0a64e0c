"""What the exporter may ask AWS, by feature. tests/deploy compares it with what the code asks."""

from typing import NamedTuple


class Feature(NamedTuple):
    config: str
    account: str
    actions: tuple


WATCHED = "each watched account"
FEATURES = {
    "usage": Feature("always", WATCHED, ("cloudwatch:GetMetricData", "cloudwatch:ListMetrics")),
    "quotas": Feature(
        "always",
        WATCHED,
        (
            "servicequotas:ListAWSDefaultServiceQuotas",
            "servicequotas:ListRequestedServiceQuotaChangeHistory",
            "servicequotas:ListServiceQuotas",
        ),
    ),
    "catalog": Feature(
        "always",
        WATCHED,
        (
            "bedrock:ListCustomModelDeployments",
            "bedrock:ListCustomModels",
            "bedrock:ListFoundationModels",
            "bedrock:ListImportedModels",
            "bedrock:ListInferenceProfiles",
            "bedrock:ListModelInvocationJobs",
            "bedrock:ListProvisionedModelThroughputs",
        ),
    ),
    "tags": Feature("`catalog.team_tag`", WATCHED, ("bedrock:ListTagsForResource",)),
    "regions": Feature("`regions: all_enabled`", WATCHED, ("account:ListRegions",)),
    "organization": Feature(
        "`organization` without `include.ous`",
        "the management account, or a delegated administrator",
        ("organizations:ListAccounts",),
    ),
    "organization_units": Feature(
        "`organization.include.ous`",
        "the same",
        ("organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"),
    ),
    "organization_tags": Feature("`organization.include.tags`", "the same", ("organizations:ListTagsForResource",)),
    "submit": Feature(
        "no config: `increase --submit`, typed by a person",
        "the account whose quota it is; the daemon never asks for it",
        ("servicequotas:RequestServiceQuotaIncrease",),
    ),
    "probe": Feature(
        "no config: `probe --yes`, typed by a person",
        "the account that is probed; the daemon never asks for it",
        ("bedrock:InvokeModel",),
    ),
    "monitoring": Feature(
        "`monitoring_account`, which takes `usage` from the watched accounts",
        "the monitoring account",
        ("cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "oam:ListAttachedLinks", "oam:ListSinks"),
    ),
}
# What every watched account grants, unless a monitoring account reads the usage.
READ = ("usage", "quotas", "catalog")
# On the roles alone that the exporter's own identity assumes.
ASSUME = "sts:AssumeRole"
ASSUME_TAGGED = "sts:TagSession"


def actions(*features):
    return sorted({action for feature in features for action in FEATURES[feature].actions})


def policy(*features):
    statement = {"Effect": "Allow", "Action": actions(*features), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
