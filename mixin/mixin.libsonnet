// The alerts, recording rules and dashboards as a monitoring mixin. The compiled files in alerts/ and dashboards/ are the
// primary ones; this is a face over them for those who build their monitoring with jsonnet. See README.md beside it.
local rules = import 'rules.libsonnet';

{
  _config+:: {
    // In the form of alerts/generate/values.yaml: thresholds, waits, links; only what is other than there.
    values: {},
    // Labels of every alert, beside severity.
    alertLabels: {},
    // Names of alerts that are left out.
    disabled: [],
  },

  prometheusAlerts+:: {
    groups+: rules.alerts($._config),
  },

  prometheusRules+:: {
    groups+: rules.recording($._config),
  },

  grafanaDashboards+:: {
    'bedrock-quota-capacity.json': import '../dashboards/bedrock-quota-capacity.json',
    'bedrock-quota-exporter.json': import '../dashboards/bedrock-quota-exporter.json',
    'bedrock-quota-fleet.json': import '../dashboards/bedrock-quota-fleet.json',
    'bedrock-quota-model.json': import '../dashboards/bedrock-quota-model.json',
    'bedrock-quota-overview.json': import '../dashboards/bedrock-quota-overview.json',
  },

  grafanaDashboardFolder: 'Bedrock',
}
