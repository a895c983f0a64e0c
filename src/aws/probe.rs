//! One harmless call for each permission, for `check --live`: who we are, by which way, and what is allowed.

pub use super::client::Way;
use super::connection::Connection;
use crate::model::ids::{Target, words};
use crate::model::observation::CollectError;
use crate::model::partition;
use crate::model::time::Timestamp;
use crate::plan::{AwsPlan, Plan};
use aws_sdk_cloudwatch::error::ProvideErrorMetadata;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Metric, MetricDataQuery, MetricStat};

words! {
    /// What the exporter calls of a target, as IAM spells it.
    Permission {
        ListMetrics = "cloudwatch:ListMetrics",
        GetMetricData = "cloudwatch:GetMetricData",
        ListServiceQuotas = "servicequotas:ListServiceQuotas",
        ListDefaults = "servicequotas:ListAWSDefaultServiceQuotas",
        ListRequests = "servicequotas:ListRequestedServiceQuotaChangeHistory",
        ListModels = "bedrock:ListFoundationModels",
        ListProfiles = "bedrock:ListInferenceProfiles",
        ListProvisioned = "bedrock:ListProvisionedModelThroughputs",
        ListDeployments = "bedrock:ListCustomModelDeployments",
        ListCustomModels = "bedrock:ListCustomModels",
        ListImported = "bedrock:ListImportedModels",
        ListJobs = "bedrock:ListModelInvocationJobs",
        /// Only where the config names a tag.
        ListTags = "bedrock:ListTagsForResource",
    }
}

impl Permission {
    /// What is missing without it.
    pub fn cost(self) -> &'static str {
        match self {
            Permission::ListMetrics => "no usage: nobody knows which ids have traffic",
            Permission::GetMetricData => "no usage, no ratios, no throttles",
            Permission::ListServiceQuotas => "no limits, and so no ratios",
            Permission::ListDefaults => "no default values, and no limits that were never changed",
            Permission::ListRequests => "no open increase requests",
            Permission::ListModels => "models without names; quotas are found by fewer of them",
            Permission::ListProfiles => "traffic of application profiles stays unmapped",
            Permission::ListProvisioned => "no provisioned throughput, and its traffic stays unmapped",
            Permission::ListDeployments => "traffic of custom deployments stays unmapped",
            Permission::ListCustomModels => "custom models are not counted",
            Permission::ListImported => "imported models without names",
            Permission::ListJobs => "no batch jobs",
            Permission::ListTags => "no teams: nobody reads the tags of application profiles",
        }
    }
}

/// What a permission is worth at a target.
pub struct Probed {
    pub permission: Permission,
    pub way: Option<Way>,
    pub result: Result<(), CollectError>,
}

impl Connection {
    /// Tries one permission, with an answer as small as the service gives.
    pub async fn probe(&self, permission: Permission, now: Timestamp) -> Probed {
        /// The outcome of a call and the way it took.
        macro_rules! probed {
            ($client:expr, $call:ident $(. $with:ident ( $($value:expr),* ))*) => {{
                let client = $client;
                let answer = client.$call()$(.$with($($value),*))*.send().await;
                let result = answer.map(|_| ()).map_err(|error| client.failed(permission.word(), error));
                (client.way(), result)
            }};
        }
        let (way, result) = match permission {
            Permission::ListMetrics => probed!(self.cloudwatch(), list_metrics.namespace("AWS/Bedrock")),
            Permission::GetMetricData => probed!(
                self.cloudwatch(),
                get_metric_data
                    .metric_data_queries(invocations())
                    .start_time(DateTime::from_secs(now.minus(300).0))
                    .end_time(DateTime::from_secs(now.0))
            ),
            Permission::ListServiceQuotas => {
                probed!(self.service_quotas(), list_service_quotas.service_code("bedrock").max_results(1))
            }
            Permission::ListDefaults => {
                probed!(
                    self.service_quotas(),
                    list_aws_default_service_quotas.service_code("bedrock").max_results(1)
                )
            }
            Permission::ListRequests => probed!(
                self.service_quotas(),
                list_requested_service_quota_change_history.service_code("bedrock").max_results(1)
            ),
            Permission::ListModels => probed!(self.bedrock(), list_foundation_models),
            Permission::ListProfiles => probed!(self.bedrock(), list_inference_profiles.max_results(1)),
            Permission::ListProvisioned => {
                probed!(self.bedrock(), list_provisioned_model_throughputs.max_results(1))
            }
            Permission::ListDeployments => {
                probed!(self.bedrock(), list_custom_model_deployments.max_results(1))
            }
            Permission::ListCustomModels => probed!(self.bedrock(), list_custom_models.max_results(1)),
            Permission::ListImported => probed!(self.bedrock(), list_imported_models.max_results(1)),
            Permission::ListJobs => probed!(self.bedrock(), list_model_invocation_jobs.max_results(1)),
            Permission::ListTags => {
                let client = self.bedrock();
                let answer =
                    client.list_tags_for_resource().resource_arn(self.nobodys_profile()).send().await;
                let result = match answer {
                    // Who may not ask is not told so.
                    Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(()),
                    answer => answer.map(|_| ()).map_err(|error| client.failed(permission.word(), error)),
                };
                (client.way(), result)
            }
        };
        let result = match result {
            Ok(()) => Ok(()),
            Err(error) => self.judged(vec![error], now).await.pop().map_or(Ok(()), Err),
        };
        Probed { permission, way, result }
    }
}

impl Connection {
    /// An application profile that does not exist: its id is one that AWS gives to none.
    fn nobodys_profile(&self) -> String {
        let Target { account_id, region } = &self.target;
        let partition = partition::of_region(region);
        format!("arn:{partition}:bedrock:{region}:{account_id}:application-inference-profile/000000000000")
    }
}

/// One metric, which is billed with a thousandth of a cent.
fn invocations() -> MetricDataQuery {
    let metric = Metric::builder().namespace("AWS/Bedrock").metric_name("Invocations").build();
    let stat = MetricStat::builder().metric(metric).period(300).stat("Sum").build();
    MetricDataQuery::builder().id("q0").metric_stat(stat).build()
}

/// What of the environment contradicts the plan; the SDK would refuse every call.
pub fn contradictions(plan: &Plan) -> Option<String> {
    let AwsPlan { endpoint_url, cloudwatch_url, servicequotas_url, bedrock_url, sts_url, .. } = &plan.aws;
    let urls = [endpoint_url, cloudwatch_url, servicequotas_url, bedrock_url, sts_url];
    let has_endpoint = urls.into_iter().any(Option::is_some);
    let is_on =
        |variable: &str| std::env::var(variable).is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    let switches = ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"];
    let on = switches.into_iter().find(|variable| has_endpoint && is_on(variable))?;
    Some(format!(
        "{on}: found true beside aws.endpoint_url or aws.endpoints, expected one of the two: AWS's SDK refuses an \
         endpoint of one's own with it"
    ))
}
