"""Writes what the chart takes from elsewhere: its rules, the table of its README, and the Kustomize base.

    python deploy/helm/generate [--helm HELM]

Needs PyYAML; without helm the Kustomize base stays as it is.
"""

import argparse
import shutil

import chart_rules
import kustomize
import readme

CHART = chart_rules.REPOSITORY / "deploy" / "helm" / "bedrock-quota-exporter"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--helm", default=shutil.which("helm"), help="the helm command")
    helm = parser.parse_args().helm
    for name, text in chart_rules.files().items():
        (CHART / "files" / "rules" / name).write_text(text)
    (CHART / "README.md").write_text(readme.text(CHART))
    if helm:
        kustomize.OBJECTS.write_text(kustomize.objects(helm, CHART))


if __name__ == "__main__":
    main()
