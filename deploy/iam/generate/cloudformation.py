"""The role of a watched account as a CloudFormation template, for a stack or a StackSet."""

from textwrap import indent

import table

# The rest is granted where it is asked for, by these parameters.
OPTIONS = {"tags": "ReadTags", "regions": "ListRegions"}
MEANINGS = {"tags": "config: catalog.team_tag", "regions": "config: regions: all_enabled"}

HEAD = """\
# Written by deploy/iam/generate from its table. The role that the exporter assumes in an account that it watches.
AWSTemplateFormatVersion: "2010-09-09"
Description: What bedrock-quota-exporter may read in this account
Parameters:
  ExporterArn:
    Type: String
    Description: ARN of the role (or user) that the exporter runs as
    AllowedPattern: arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+
  RoleName:
    Type: String
    Default: bedrock-quota-exporter
  ExternalId:
    Type: String
    Default: ""
    NoEcho: true
    Description: What the exporter must tell to assume the role (config external_id); none where empty
  ReadUsage:
    Type: String
    Default: "true"
    AllowedValues: ["true", "false"]
    Description: false where a monitoring account reads the usage (config monitoring_account)
"""
OPTION = """\
  {parameter}:
    Type: String
    Default: "false"
    AllowedValues: ["true", "false"]
    Description: "{meaning}"
"""
ROLE = """\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref RoleName
      Description: Read by bedrock-quota-exporter
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              AWS: !Ref ExporterArn
            Action: sts:AssumeRole
            Condition: !If
              - HasExternalId
              - StringEquals:
                  sts:ExternalId: !Ref ExternalId
              - !Ref AWS::NoValue
      Policies:
"""
OUTPUTS = """\
Outputs:
  RoleArn:
    Value: !GetAtt Role.Arn
"""


def text():
    options = "".join(OPTION.format(parameter=p, meaning=MEANINGS[name]) for name, p in OPTIONS.items())
    conditions = ["Conditions:", '  HasExternalId: !Not [!Equals [!Ref ExternalId, ""]]']
    conditions += [f'  {p}: !Equals [!Ref {p}, "true"]' for p in ("ReadUsage", *OPTIONS.values())]
    policies = policy("read", "quotas", "catalog") + optional("usage", "ReadUsage")
    policies += "".join(optional(name, parameter) for name, parameter in OPTIONS.items())
    return HEAD + options + "\n".join(conditions) + "\n" + ROLE + policies + OUTPUTS


def optional(name, condition):
    granted = indent(policy(name, name), "  ")
    return f"        - !If\n          - {condition}\n{granted}          - !Ref AWS::NoValue\n"


def policy(name, *features):
    lines = [
        f"        - PolicyName: {name}",
        "          PolicyDocument:",
        '            Version: "2012-10-17"',
        "            Statement:",
        "              - Effect: Allow",
        "                Action:",
        *(f"                  - {action}" for action in table.actions(*features)),
        '                Resource: "*"',
    ]
    return "\n".join(lines) + "\n"
