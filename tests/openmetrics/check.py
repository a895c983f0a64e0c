"""Reads OpenMetrics text as strictly as the format is meant; says how many samples there are.

    python tests/openmetrics/check.py FILE
"""

import sys

from prometheus_client.openmetrics.parser import text_fd_to_metric_families


def main():
    with open(sys.argv[1]) as text:
        print(sum(len(family.samples) for family in text_fd_to_metric_families(text)))


if __name__ == "__main__":
    main()
