# The exporter's role, or the role that it assumes in an account that it watches.

locals {
  actions = jsondecode(file("${path.module}/actions.json"))
  allowed = sort(distinct(flatten([for feature in var.features : local.actions[feature]])))
}

data "aws_iam_policy_document" "trust" {
  dynamic "statement" {
    for_each = length(var.trusted_arns) > 0 ? [var.trusted_arns] : []
    content {
      actions = concat(["sts:AssumeRole"], var.session_tags ? ["sts:TagSession"] : [])
      principals {
        type        = "AWS"
        identifiers = statement.value
      }
      dynamic "condition" {
        for_each = var.external_id == null ? [] : [var.external_id]
        content {
          test     = "StringEquals"
          variable = "sts:ExternalId"
          values   = [condition.value]
        }
      }
    }
  }

  # EKS Pod Identity sends session tags always.
  dynamic "statement" {
    for_each = var.pod_identity ? [true] : []
    content {
      actions = ["sts:AssumeRole", "sts:TagSession"]
      principals {
        type        = "Service"
        identifiers = ["pods.eks.amazonaws.com"]
      }
    }
  }

  # IAM roles for service accounts.
  dynamic "statement" {
    for_each = var.service_account == null ? [] : [var.service_account]
    content {
      actions = ["sts:AssumeRoleWithWebIdentity"]
      principals {
        type        = "Federated"
        identifiers = [statement.value.oidc_provider_arn]
      }
      condition {
        test     = "StringEquals"
        variable = "${split("oidc-provider/", statement.value.oidc_provider_arn)[1]}:sub"
        values   = ["system:serviceaccount:${statement.value.namespace}:${statement.value.name}"]
      }
      condition {
        test     = "StringEquals"
        variable = "${split("oidc-provider/", statement.value.oidc_provider_arn)[1]}:aud"
        values   = ["sts.amazonaws.com"]
      }
    }
  }
}

data "aws_iam_policy_document" "read" {
  dynamic "statement" {
    for_each = length(local.allowed) > 0 ? [local.allowed] : []
    content {
      actions   = statement.value
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = length(var.assume_role_arns) > 0 ? [var.assume_role_arns] : []
    content {
      actions   = concat(["sts:AssumeRole"], var.session_tags ? ["sts:TagSession"] : [])
      resources = statement.value
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "Read by bedrock-quota-exporter"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = "bedrock-quota-exporter"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.read.json
}
