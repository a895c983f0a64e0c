//! Bodies of the runtime: what a request asks for, in the form of its model's makers, and the answer in the same form.

use crate::sim::world::noise;
use serde_json::{Value, json};

/// How a body is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Converse and ConverseStream, the same for all models; also Nova's own.
    Converse,
    Anthropic,
    Llama,
    Titan,
    TitanEmbedding,
}

/// What a request asks for. Tokens are a quarter of the characters: no model counts like that, all about so.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Prompt {
    /// Tokens after the last cache point, all of them where there is none.
    pub input: u64,
    /// Tokens before the last cache point.
    pub cacheable: u64,
    /// The content before it, hashed.
    pub prefix: u64,
    pub max_tokens: Option<u64>,
}

/// What a call has made of a prompt.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub text: String,
    /// It stopped at max_tokens.
    pub cut: bool,
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub latency_ms: u64,
}

impl Form {
    /// The form in which InvokeModel takes a model's body; `None`: it is not simulated.
    pub(super) fn of_model(model: &str) -> Option<Form> {
        Some(match model {
            m if m.starts_with("anthropic.") => Form::Anthropic,
            m if m.starts_with("amazon.nova") => Form::Converse,
            m if m.starts_with("meta.llama") => Form::Llama,
            m if m.starts_with("amazon.titan-embed") => Form::TitanEmbedding,
            m if m.starts_with("amazon.titan-text") || m.starts_with("amazon.titan-tg1") => Form::Titan,
            _ => return None,
        })
    }

    /// Reads a body.
    ///
    /// # Errors
    /// What is wrong with it, in the words of a ValidationException.
    pub(super) fn read(self, body: &Value) -> Result<Prompt, String> {
        let most = |pointer: &str| match body.pointer(pointer) {
            None => Ok(None),
            Some(given) => given.as_u64().filter(|n| *n > 0).map(Some).ok_or_else(|| {
                format!("Malformed input request: {pointer} must be a positive integer, not {given}.")
            }),
        };
        let text = |member: &str| {
            let given = body[member].as_str().filter(|text| !text.is_empty());
            given.ok_or_else(|| format!("Malformed input request: #: required key [{member}] not found."))
        };
        let plain = |text: &str, max_tokens| Prompt { input: tokens(text), max_tokens, ..Prompt::default() };
        match self {
            Form::Converse => chat(body, most("/inferenceConfig/maxTokens")?),
            Form::Anthropic => {
                text("anthropic_version")?;
                let max_tokens = most("/max_tokens")?;
                if max_tokens.is_none() {
                    return Err("Malformed input request: #: required key [max_tokens] not found.".into());
                }
                chat(body, max_tokens)
            }
            Form::Llama => Ok(plain(text("prompt")?, most("/max_gen_len")?)),
            Form::Titan => Ok(plain(text("inputText")?, most("/textGenerationConfig/maxTokenCount")?)),
            // An embedding has no output that would be reserved.
            Form::TitanEmbedding => Ok(plain(text("inputText")?, Some(0))),
        }
    }

    /// Writes an answer.
    pub(super) fn write(self, model: &str, answer: &Answer) -> Value {
        let Answer { text, cut, input, output, cache_read, cache_write, .. } = answer;
        match self {
            Form::Converse => json!({
                "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
                "stopReason": stop_reason(*cut),
                "usage": usage(answer),
            }),
            Form::Anthropic => json!({
                "id": "msg_bdrk_simulated",
                "type": "message",
                "role": "assistant",
                "model": model,
                "content": [{"type": "text", "text": text}],
                "stop_reason": stop_reason(*cut),
                "stop_sequence": null,
                "usage": {
                    "input_tokens": input,
                    "output_tokens": output,
                    "cache_read_input_tokens": cache_read,
                    "cache_creation_input_tokens": cache_write,
                },
            }),
            Form::Llama => json!({
                "generation": text,
                "prompt_token_count": input,
                "generation_token_count": output,
                "stop_reason": if *cut { "length" } else { "stop" },
            }),
            Form::Titan => json!({
                "inputTextTokenCount": input,
                "results": [{
                    "tokenCount": output,
                    "outputText": text,
                    "completionReason": if *cut { "LENGTH" } else { "FINISH" },
                }],
            }),
            Form::TitanEmbedding => {
                let embedding: Vec<f64> = (0..256).map(|n| noise::unit(*input, n) - 0.5).collect();
                json!({"embedding": embedding, "inputTextTokenCount": input})
            }
        }
    }
}

pub(super) fn stop_reason(cut: bool) -> &'static str {
    if cut { "max_tokens" } else { "end_turn" }
}

/// The usage of a Converse reply.
pub(super) fn usage(answer: &Answer) -> Value {
    let Answer { input, output, cache_read, cache_write, .. } = answer;
    json!({
        "inputTokens": input,
        "outputTokens": output,
        "totalTokens": input + output + cache_read + cache_write,
        "cacheReadInputTokens": cache_read,
        "cacheWriteInputTokens": cache_write,
    })
}

fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

/// A prompt of messages, a system text and tools. Each block counts; a cache point divides them.
fn chat(body: &Value, max_tokens: Option<u64>) -> Result<Prompt, String> {
    let messages = body["messages"].as_array().filter(|messages| !messages.is_empty());
    let messages = messages.ok_or("A conversation must start with a user message. Try again with a conversation that starts with a user message.")?;
    if messages[0]["role"] != "user" {
        return Err("A conversation must start with a user message. Try again with a conversation that starts with a user message.".into());
    }
    let tools = body.get("toolConfig").or(body.get("tools"));
    let content = messages.iter().map(|message| &message["content"]);
    let mut prompt = Prompt { max_tokens, ..Prompt::default() };
    for part in tools.into_iter().chain(body.get("system")).chain(content) {
        match part {
            Value::Array(blocks) => blocks.iter().for_each(|block| prompt.take(block)),
            other => prompt.take(other),
        }
    }
    Ok(prompt)
}

impl Prompt {
    fn take(&mut self, block: &Value) {
        if block.get("cachePoint").is_some() {
            self.divide();
            return;
        }
        let text = block.as_str().or(block["text"].as_str());
        let text = text.map_or_else(|| block.to_string(), str::to_string);
        self.input += tokens(&text);
        self.prefix = noise::hash(&[&self.prefix.to_string(), &text]);
        // Anthropic's own form marks the last block before the point.
        if block.get("cache_control").is_some() {
            self.divide();
        }
    }

    /// All tokens so far lie before a cache point.
    fn divide(&mut self) {
        self.cacheable += std::mem::take(&mut self.input);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_all_makers_are_read() {
        let text = "x".repeat(400);
        let chat = json!([{"role": "user", "content": [{"text": text}]}]);
        for (form, body, max_tokens) in [
            (Form::Converse, json!({"messages": chat, "inferenceConfig": {"maxTokens": 50}}), Some(50)),
            (Form::Converse, json!({"messages": chat}), None),
            (
                Form::Anthropic,
                json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50,
                "messages": [{"role": "user", "content": text}]}),
                Some(50),
            ),
            (Form::Llama, json!({"prompt": text, "max_gen_len": 50}), Some(50)),
            (
                Form::Titan,
                json!({"inputText": text, "textGenerationConfig": {"maxTokenCount": 50}}),
                Some(50),
            ),
            (Form::TitanEmbedding, json!({"inputText": text}), Some(0)),
        ] {
            let prompt = form.read(&body).unwrap();
            assert_eq!((prompt.input, prompt.cacheable, prompt.max_tokens), (100, 0, max_tokens), "{form:?}");
        }
    }

    #[test]
    fn wrong_bodies_are_refused_in_words() {
        for (form, body, words) in [
            (Form::Converse, json!({}), "must start with a user message"),
            (Form::Converse, json!({"messages": [{"role": "assistant", "content": []}]}), "user message"),
            (
                Form::Anthropic,
                json!({"max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}),
                "anthropic_version",
            ),
            (
                Form::Anthropic,
                json!({"anthropic_version": "x", "messages": [{"role": "user", "content": "x"}]}),
                "max_tokens",
            ),
            (Form::Llama, json!({"prompt": ""}), "[prompt]"),
            (
                Form::Titan,
                json!({"inputText": "x", "textGenerationConfig": {"maxTokenCount": -1}}),
                "positive integer",
            ),
        ] {
            let refused = form.read(&body).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }

    #[test]
    fn cache_points_divide_a_prompt_in_both_forms() {
        let long = "y".repeat(4000);
        let converse = json!({"system": [{"text": long}, {"cachePoint": {"type": "default"}}],
            "messages": [{"role": "user", "content": [{"text": "xxxx"}]}]});
        let anthropic = json!({"anthropic_version": "x", "max_tokens": 5,
            "system": [{"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": "xxxx"}]});
        for (form, body) in [(Form::Converse, converse), (Form::Anthropic, anthropic)] {
            let prompt = form.read(&body).unwrap();
            assert_eq!((prompt.cacheable, prompt.input), (1000, 1), "{form:?}");
        }
    }
}
