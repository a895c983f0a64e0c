variable "name" {
  description = "Name of the role."
  type        = string
  default     = "bedrock-quota-exporter"
}

variable "features" {
  description = "What may be asked: keys of actions.json. Empty for an exporter that only assumes other roles."
  type        = list(string)
  default     = ["usage", "quotas", "catalog"]

  validation {
    condition = alltrue([
      for feature in var.features : contains(keys(jsondecode(file("${path.module}/actions.json"))), feature)
    ])
    error_message = "Each feature must be a key of actions.json."
  }
}

variable "trusted_arns" {
  description = "Roles or users that may assume this role: the exporter's."
  type        = list(string)
  default     = []
}

variable "external_id" {
  description = "What trusted_arns must tell to assume this role: external_id of the exporter's config."
  type        = string
  default     = null
}

variable "assume_role_arns" {
  description = "Roles of other accounts that this role may assume."
  type        = list(string)
  default     = []
}

variable "session_tags" {
  description = "Whether sessions carry tags: aws.session_tags of the exporter's config."
  type        = bool
  default     = false
}

variable "pod_identity" {
  description = "Whether EKS Pod Identity may hand this role to pods."
  type        = bool
  default     = false
}

variable "service_account" {
  description = "The Kubernetes service account that may take this role by the cluster's OIDC provider."
  type = object({
    oidc_provider_arn = string
    namespace         = string
    name              = string
  })
  default = null
}

variable "permissions_boundary" {
  description = "ARN of a permissions boundary."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the role."
  type        = map(string)
  default     = {}
}
