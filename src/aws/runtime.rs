//! Bedrock's runtime: the calls of `probe`, each made once.

use super::client::Client;
use super::connection::Connection;
use crate::probe::{Answer, Outcome, Refusal, Used};
use aws_sdk_bedrockruntime::config::Config;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_bedrockruntime::operation::RequestId;
use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, InferenceConfiguration, Message};
use std::time::Duration;

/// As IAM spells it; it also allows Converse.
pub const PERMISSION: &str = "bedrock:InvokeModel";
/// Of one call: models may think before their few words.
const PATIENCE: Duration = Duration::from_secs(120);

/// The way to a model.
pub struct Runtime(Client<aws_sdk_bedrockruntime::Client>);

impl Connection {
    pub fn runtime(&self) -> Runtime {
        Runtime(self.bedrock_runtime())
    }
}

impl Runtime {
    /// One attempt of Converse. The SDK would try a refused call again, and nobody would see it.
    pub async fn converse(&self, model_id: &str, text: String, max_tokens: u64) -> Answer {
        let message = match question(text) {
            Ok(message) => message,
            Err(error) => return failed(None, "", error.to_string()),
        };
        let most = InferenceConfiguration::builder().max_tokens(max_tokens.min(i32::MAX as u64) as i32);
        let call = self.0.converse().model_id(model_id).messages(message).inference_config(most.build());
        let timeouts =
            TimeoutConfig::builder().operation_timeout(PATIENCE).operation_attempt_timeout(PATIENCE);
        let once = Config::builder().retry_config(RetryConfig::disabled()).timeout_config(timeouts.build());
        match call.customize().config_override(once).send().await {
            Ok(answer) => done(&answer),
            Err(error) => {
                let request_id = error.request_id().map(String::from);
                let code = error.code().unwrap_or_default().to_string();
                let response = error.raw_response();
                let status = response.map(|response| response.status().as_u16());
                let retry_after = response.and_then(|response| response.headers().get("retry-after"));
                let retry_after = retry_after.and_then(|text| text.parse().ok());
                let message = error.message().map(String::from);
                let message = message.unwrap_or_else(|| self.0.failed(PERMISSION, error).message);
                Answer { request_id, retry_after, ..failed(status, &code, message) }
            }
        }
    }
}

fn question(text: String) -> Result<Message, BuildError> {
    Message::builder().role(ConversationRole::User).content(ContentBlock::Text(text)).build()
}

fn done(answer: &ConverseOutput) -> Answer {
    let usage = answer.usage();
    let tokens = |count: Option<i32>| count.unwrap_or_default().max(0) as u64;
    let used = usage.map(|usage| Used {
        input: tokens(Some(usage.input_tokens())),
        cache_write: tokens(usage.cache_write_input_tokens()),
        output: tokens(Some(usage.output_tokens())),
    });
    let request_id = answer.request_id().map(String::from);
    match used {
        Some(used) => Answer { request_id, status: Some(200), ..Answer::of(Outcome::Done(used)) },
        None => Answer { request_id, ..failed(Some(200), "", "the answer tells no usage".to_string()) },
    }
}

fn failed(status: Option<u16>, code: &str, message: String) -> Answer {
    Answer { status, code: code.to_string(), message, ..Answer::of(outcome(status, code)) }
}

/// The type decides: a ModelNotReadyException is 429 too, and no quota.
fn outcome(status: Option<u16>, code: &str) -> Outcome {
    match (status, code) {
        (Some(429), "ThrottlingException" | "TooManyRequestsException") => Outcome::Refused(Refusal::Quota),
        (Some(503 | 529), _) => Outcome::Refused(Refusal::Capacity),
        _ => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_an_error_decides_who_refused() {
        let of = |status, code| outcome(Some(status), code);
        assert_eq!(of(429, "ThrottlingException"), Outcome::Refused(Refusal::Quota));
        assert_eq!(of(429, "ModelNotReadyException"), Outcome::Failed);
        assert_eq!(of(503, "ServiceUnavailableException"), Outcome::Refused(Refusal::Capacity));
        assert_eq!(of(529, ""), Outcome::Refused(Refusal::Capacity));
        assert_eq!(of(400, "ServiceQuotaExceededException"), Outcome::Failed);
        assert_eq!(outcome(None, ""), Outcome::Failed);
    }
}
