"""The objects of deploy/kustomize/base: the chart's by default, without what only helm needs."""

import subprocess

import yaml
from chart_rules import REPOSITORY

BASE = REPOSITORY / "deploy" / "kustomize" / "base"
OBJECTS = BASE / "objects.yaml"
HEADER = "# Written by deploy/helm/generate from the chart. Change it by patches of your own.\n"
NAME = "bedrock-quota-exporter"


def objects(helm, chart):
    rendered = subprocess.run(
        [helm, "template", NAME, chart], capture_output=True, check=True, text=True
    ).stdout
    kept = [plain(one) for one in yaml.safe_load_all(rendered) if one and one["kind"] != "ConfigMap"]
    return HEADER + yaml.safe_dump_all(kept, sort_keys=False)


def plain(one):
    """Without namespace and helm's labels; the config's checksum is the generated ConfigMap's name."""
    one["metadata"].pop("namespace")
    for labels in (one["metadata"]["labels"], one.get("spec", {}).get("template", {}).get("metadata", {}).get("labels")):
        for key in ("helm.sh/chart", "app.kubernetes.io/managed-by"):
            (labels or {}).pop(key, None)
    one.get("spec", {}).get("template", {}).get("metadata", {}).pop("annotations", None)
    return one
