//! `mcp`: the tools for assistants on standard input and output. Nothing else is written to standard output.

mod live;
mod pictures;

use crate::cli;
use crate::commands::exporter::Exporter;
use crate::commands::setup::{run_async, stop_signal};
use crate::mcp::{Question, Tool, answer};
use crate::telemetry;
use anyhow::{Result, ensure};
use pictures::Pictures;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorCode, ErrorData,
    Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
    Tool as Described, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use serde_json::{Map, Value};
use std::sync::Arc;

const INSTRUCTIONS: &str = "Amazon Bedrock quotas: what is left, what is wrong and what helps. Everything is read-only. \
     CloudWatch is late: numbers are two to six minutes old at best. null means unknown.";

/// Serves until standard input ends.
pub fn mcp(args: cli::Mcp) -> Result<()> {
    let source = match &args.url {
        Some(url) => Source::Exporter(Exporter::new(url, &args.access)?),
        None => {
            let told = args.source.from.is_some() || args.source.demo;
            ensure!(told, "nothing to answer from: give --url of a running exporter, --from FILE or --demo");
            Source::Pictures(Arc::new(Pictures::read(&args)?))
        }
    };
    run_async(async {
        let stop = stop_signal()?;
        tracing::info!("answering an assistant on standard input and output");
        let serving = async {
            let server = Server { source }.serve(rmcp::transport::stdio()).await?;
            server.waiting().await?;
            anyhow::Ok(())
        };
        tokio::select! {
            ended = serving => ended,
            () = stop => Ok(()),
        }
    })
}

/// What answers.
enum Source {
    Exporter(Exporter),
    Pictures(Arc<Pictures>),
}

impl Source {
    async fn answer(&self, tool: Tool, question: Question) -> Result<Value> {
        match self {
            Source::Exporter(exporter) => {
                live::answer(exporter, tool, &question).await.map_err(anyhow::Error::msg)
            }
            Source::Pictures(pictures) => {
                let pictures = pictures.clone();
                // Weighing every minute of a fleet takes a while.
                tokio::task::spawn_blocking(move || pictures.answer(tool, &question)).await?
            }
        }
    }
}

struct Server {
    source: Source,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let about = Implementation::new("bedrock-quota-exporter", telemetry::VERSION);
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(about)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(Tool::ALL.iter().copied().map(described).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = Tool::from_word(&request.name).ok_or_else(|| unknown(&request.name))?;
        let answered = self.call(tool, &request.arguments.unwrap_or_default()).await;
        let result = match answered {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(why) => CallToolResult::error(vec![ContentBlock::text(why)]),
        };
        Ok(result.into())
    }
}

impl Server {
    async fn call(&self, tool: Tool, arguments: &Map<String, Value>) -> Result<String, String> {
        let question = tool.question(arguments)?;
        let told = self.source.answer(tool, question).await.map_err(|error| format!("{error:#}"))?;
        answer(&told)
    }
}

fn described(tool: Tool) -> Described {
    let only_reads = ToolAnnotations::new().read_only(true).idempotent(true).open_world(false);
    Described::new(tool.word(), tool.description(), Arc::new(tool.schema())).with_annotations(only_reads)
}

fn unknown(name: &str) -> ErrorData {
    let known: Vec<&str> = Tool::ALL.iter().map(|tool| tool.word()).collect();
    let name: String = name.chars().take(100).collect();
    let message = format!("found the tool {name:?}, expected one of {}", known.join(", "));
    ErrorData::new(ErrorCode::INVALID_PARAMS, message, None)
}
