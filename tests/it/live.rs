//! The command line against a simulated AWS that only the SDK's own variables point to.

use bedrock_quota_exporter::sim::Sim;
use bedrock_quota_exporter::sim::world::World;
use std::process::Command;
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_reads_the_lists_where_aws_endpoint_url_points() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let world = World { rough_pages: false, ..World::demo(1, 1_795_348_800) };
    tokio::spawn(Sim::new(world).serve(listener, std::future::pending()));
    let explain = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
            .args(["explain", "--region=us-east-1", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"])
            .args(["srch7f3k2m9q"])
            .env("AWS_ENDPOINT_URL", url)
            .env("AWS_ACCESS_KEY_ID", "AKIASIMULATED")
            .env("AWS_SECRET_ACCESS_KEY", "simulated")
            .output()
            .unwrap()
    });
    let output = explain.await.unwrap();
    let (said, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{log}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("L-F4DDD3EB"), "the system profile's tokens per minute: {said}");
    assert!(said.contains("type application_profile, confidence exact"), "{said}");
    assert!(said.contains("L-58BE175A"), "the application profile spends what it was copied from: {said}");
}
