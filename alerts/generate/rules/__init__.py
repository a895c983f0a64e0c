"""The alerts, recording rules and Alertmanager example, as functions of values.yaml."""
