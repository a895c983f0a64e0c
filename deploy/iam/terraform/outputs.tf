output "role_arn" {
  description = "ARN of the role: for the config's role_arn, or the service account's annotation."
  value       = aws_iam_role.this.arn
}

output "policy" {
  description = "What the role may ask, as JSON."
  value       = data.aws_iam_policy_document.read.json
}
