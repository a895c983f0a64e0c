"""Prometheus's and Alertmanager's own command line tools."""

import subprocess


def run(*command, **options):
    """Exit code and everything printed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    return done.returncode, done.stdout + done.stderr
