//! The status page of 250 targets: `cargo bench --bench status`.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a benchmark ends where it is surprised")]

#[allow(dead_code)]
#[path = "../tests/it/world.rs"]
mod world;

use bedrock_quota_exporter::report::status::Page;
use std::time::Instant;

fn main() {
    for (how, broken) in [("all is read", false), ("nothing can be read", true)] {
        let (snapshot, export, exporter) = (world::fleet(250, broken), world::export(), world::exporter());
        let page = Page {
            snapshot: &snapshot,
            export: &export,
            exporter: &exporter,
            metrics: "/metrics",
            api: true,
            now: world::NOW,
        };
        let mut milliseconds: Vec<f64> = Vec::new();
        let mut size = 0;
        for _ in 0..200 {
            let started = Instant::now();
            size = page.html().len();
            milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
        }
        milliseconds.sort_by(f64::total_cmp);
        let (median, worst) = (milliseconds[100], milliseconds[199]);
        println!("{how}: {size} bytes, median {median:.2} ms, slowest {worst:.2} ms");
    }
}
