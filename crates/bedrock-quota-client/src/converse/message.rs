//! What a request and its answer say of tokens.

use crate::Usage;
use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseFluentBuilder;
use aws_sdk_bedrockruntime::types::{ContentBlock, SystemContentBlock, ToolResultContentBlock};

/// Of all texts. Images and documents count as none: the estimator learns what they cost.
pub(super) fn characters(request: &ConverseFluentBuilder) -> usize {
    let system = request.get_system().iter().flatten().filter_map(|block| match block {
        SystemContentBlock::Text(text) => Some(text.chars().count()),
        _ => None,
    });
    let blocks = request.get_messages().iter().flatten().flat_map(|message| message.content());
    system.sum::<usize>() + blocks.map(of_block).sum::<usize>()
}

fn of_block(block: &ContentBlock) -> usize {
    match block {
        ContentBlock::Text(text) => text.chars().count(),
        ContentBlock::ToolResult(result) => {
            let texts = result.content().iter().filter_map(|content| match content {
                ToolResultContentBlock::Text(text) => Some(text.chars().count()),
                _ => None,
            });
            texts.sum()
        }
        _ => 0,
    }
}

pub(super) fn usage(answer: &ConverseOutput) -> Option<Usage> {
    let tokens = |count: i32| count.max(0) as u64;
    answer.usage().map(|usage| Usage {
        input: tokens(usage.input_tokens()),
        output: tokens(usage.output_tokens()),
        cache_read: tokens(usage.cache_read_input_tokens().unwrap_or_default()),
        cache_write: tokens(usage.cache_write_input_tokens().unwrap_or_default()),
    })
}
