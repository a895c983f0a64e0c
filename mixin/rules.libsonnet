// The rules of alerts/ with values filled in, which the chart's files have marks for: <<section.key*factor/divisor>>.
local shipped = std.parseYaml(importstr '../alerts/generate/values.yaml');
local texts = {
  exporter: importstr '../deploy/helm/bedrock-quota-exporter/files/rules/bedrock-exporter.yaml',
  quotas: importstr '../deploy/helm/bedrock-quota-exporter/files/rules/bedrock-quotas.yaml',
  recording: importstr '../deploy/helm/bedrock-quota-exporter/files/rules/bedrock-recording.yaml',
};
local settable = std.setDiff(std.objectFields(shipped), ['alertmanager', 'timing']);

local known(names, name, path) =
  if std.member(names, name) then name
  else error '_config.values.%s%s: unknown, expected one of %s' % [path, name, std.join(', ', names)];

// The shipped values with the user's in their place; an unknown name is an error.
local values(own) =
  local checked = [
    known(std.objectFields(shipped[known(settable, section, '')]), key, section + '.')
    for section in std.objectFields(own)
    for key in std.objectFields(own[section])
  ];
  assert std.length(std.join('', checked)) >= 0;
  std.mergePatch(shipped, own);

// Without the noise of binary fractions.
local shown(value) = if std.isString(value) then value else
  local rounded = std.round(value * 1e9) / 1e9;
  if rounded == std.floor(rounded) then '%d' % rounded
  else std.rstripChars('%.9f' % rounded, '0');

// What stands between << and >>.
local fill(mark, all) =
  local scaled = std.split(mark, '*');
  local path = std.split(scaled[0], '.');
  local value = all[path[0]][path[1]];
  if std.length(scaled) == 1 then shown(value) else
    local parts = std.map(std.parseInt, std.split(scaled[1], '/'));
    shown(value * parts[0] / parts[1]);

local filled(text, all) =
  local pieces = std.split(text, '<<');
  std.join('', [pieces[0]] + [
    local parts = std.splitLimit(piece, '>>', 1);
    fill(parts[0], all) + parts[1]
    for piece in pieces[1:]
  ]);

local groups(names, config) = std.flattenArrays([
  std.parseYaml(filled(texts[name], values(config.values))).groups
  for name in names
]);

{
  recording(config):: groups(['recording'], config),

  alerts(config)::
    local made = groups(['quotas', 'exporter'], config);
    local names = [rule.alert for group in made for rule in group.rules];
    local unknown = std.setDiff(std.set(config.disabled), std.set(names));
    assert unknown == [] : '_config.disabled: found %s, expected names of alerts' % std.join(', ', unknown);
    [
      group {
        rules: [
          rule { labels: config.alertLabels + rule.labels }
          for rule in group.rules
          if !std.member(config.disabled, rule.alert)
        ],
      }
      for group in made
    ],
}
