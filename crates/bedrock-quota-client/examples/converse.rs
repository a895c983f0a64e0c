use aws_config::BehaviorVersion;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, InferenceConfiguration, Message};
use bedrock_quota_client::{Limits, Quotas};
use std::error::Error;

const MODEL: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    println!("{}", ask(&client).await?);
    Ok(())
}

pub async fn ask(client: &Client) -> Result<String, Box<dyn Error>> {
    let limits = Limits {
        requests_per_minute: Some(200.0),
        tokens_per_minute: Some(200_000.0),
        burndown: 5.0,
        ..Limits::default()
    };
    let quotas = Quotas::new([(MODEL, limits)])?;
    let text = ContentBlock::Text("Why is the sky blue?".to_string());
    let question = Message::builder().role(ConversationRole::User).content(text).build()?;
    let most = InferenceConfiguration::builder().max_tokens(500).build();
    let request = client.converse().model_id(MODEL).messages(question).inference_config(most);
    let answer = quotas.converse(request).await?;
    Ok(format!("{:?} {:?}", answer.usage(), quotas.statistics()))
}
