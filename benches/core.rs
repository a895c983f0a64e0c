//! The steps of the core, one by one: `cargo bench --bench core`.
//!
//! Matching is that of the public lists in data/; a round is one of 40 ids. A page of 250 targets is rendered, and
//! served beside what the prometheus crate does at every scrape of the same series: gather them and write them.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a benchmark ends where it is surprised")]

#[allow(dead_code)]
#[path = "../tests/it/cloud.rs"]
mod cloud;
#[allow(dead_code)]
#[path = "../tests/it/prometheus_text.rs"]
mod prometheus_text;
#[allow(dead_code)]
#[path = "../tests/it/world.rs"]
mod world;

use bedrock_quota_exporter::exposition::{Rendered, compress};
use bedrock_quota_exporter::model::catalog::ProfileKind;
use bedrock_quota_exporter::model::matching::{Index, Rules, family};
use bedrock_quota_exporter::model::observation::{Collector, Observation};
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};
use cloud::{Cloud, NOON};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use prometheus::{Encoder, GaugeVec, Opts, Registry, TextEncoder};
use serde_json::Value;
use std::hint::black_box;
use std::io::{Write, sink};

const TARGETS: usize = 250;

/// The public lists of us-east-1, and how many of their profiles and models are called.
fn public(ids: usize) -> Cloud {
    let read = |text| serde_json::from_str::<Value>(text).unwrap();
    let quotas = read(include_str!("../data/service-quotas.json"));
    let models = read(include_str!("../data/foundation-models.json"));
    let profiles = read(include_str!("../data/inference-profiles.json"));
    let list = |value: &Value, key: &str| value[key].as_array().unwrap().clone();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_string();
    let mut cloud = Cloud::new(NOON);
    for row in list(&quotas, "Quotas") {
        cloud.quota(&text(&row, "QuotaCode"), &text(&row, "QuotaName"), Some(1_000_000.0));
    }
    for row in list(&models, "models") {
        cloud.model(&text(&row, "modelId"), &text(&row, "modelName"), &text(&row, "providerName"));
    }
    let regions = ["us-east-1", "us-west-2"];
    for row in list(&profiles, "inferenceProfiles") {
        let (id, model) = (text(&row, "inferenceProfileId"), text(&row, "modelId"));
        cloud.profile(&id, ProfileKind::SystemDefined, &model, &regions);
    }
    for id in invocation_ids(&cloud).into_iter().take(ids) {
        for minute in (NOON.minute() - 30).until(NOON.minute() + 600) {
            for (metric, value) in [
                (Metric::Invocations, 40.0),
                (Metric::InputTokens, 9_000.0),
                (Metric::OutputTokens, 700.0),
                (Metric::EstimatedTokens, 12_500.0),
                (Metric::Throttles, 1.0),
            ] {
                cloud.point(&id.id, metric, minute, value);
            }
        }
    }
    cloud
}

fn invocation_ids(cloud: &Cloud) -> Vec<InvocationId> {
    let profiles = cloud.catalog.profiles.iter().flatten().map(|profile| InvocationId::runtime(&profile.id));
    let models = cloud.catalog.models.iter().flatten().map(|model| InvocationId::runtime(&model.id));
    profiles.chain(models).collect()
}

fn matching(c: &mut Criterion) {
    let cloud = public(0);
    let rows = &cloud.quotas.quotas;
    c.bench_function(&format!("read {} quota names", rows.len()), |b| {
        b.iter(|| rows.iter().for_each(|row| _ = black_box(family(&row.name))));
    });
    c.bench_function(&format!("join {} quotas with the catalog", rows.len()), |b| {
        b.iter(|| Index::new(&cloud.quotas, &cloud.catalog, &Rules::default()));
    });
    let index = Index::new(&cloud.quotas, &cloud.catalog, &Rules::default());
    let ids = invocation_ids(&cloud);
    c.bench_function(&format!("resolve {} ids among {} quotas", ids.len(), rows.len()), |b| {
        b.iter(|| ids.iter().for_each(|id| drop(black_box(index.resolve(id)))));
    });
}

fn round(c: &mut Criterion) {
    let mut cloud = public(40);
    cloud.run_until(NOON.plus(1_800));
    cloud.now = cloud.now.plus(60);
    let usage = cloud.requests().usage.unwrap();
    let reading = Observation::Usage(cloud.answer(&usage));
    let outcome = cloud.outcome(Collector::Usage, reading);
    c.bench_function("take in and evaluate a round of 40 ids", |b| {
        let outcomes = || vec![outcome.clone()];
        let advance = |outcomes| cloud.snapshot.advance(&cloud.settings, outcomes, cloud.now);
        b.iter_batched(outcomes, advance, BatchSize::SmallInput);
    });
}

/// The same series as gauges of the prometheus crate. Labels that a series lacks are empty, as it asks.
fn registry(page: &Rendered) -> Registry {
    let text: Vec<u8> = page.plain().flat_map(Result::unwrap).collect();
    let registry = Registry::new();
    for family in prometheus_text::parse(std::str::from_utf8(&text).unwrap()).values() {
        let all =
            family.samples.iter().flat_map(|sample| sample.labels.iter().map(|(name, _)| name.as_str()));
        let names: Vec<&str> = all.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        let gauges = GaugeVec::new(Opts::new(&family.name, &family.help), &names).unwrap();
        for sample in &family.samples {
            let values: Vec<&str> = names.iter().map(|name| sample.label(name)).collect();
            gauges.with_label_values(&values).set(sample.value);
        }
        registry.register(Box::new(gauges)).unwrap();
    }
    registry
}

fn scrape(c: &mut Criterion) {
    let (snapshot, export) = (world::fleet(TARGETS, false), world::export());
    let page = compress(&snapshot, &export).unwrap();
    let registry = registry(&page);
    let mut group = c.benchmark_group(format!("{} series", page.series));
    group.sample_size(20);
    group.bench_function("render, compress and check a page", |b| {
        b.iter(|| compress(&snapshot, &export).unwrap())
    });
    group.bench_function("serve gzip", |b| {
        b.iter(|| {
            let (pieces, tail) = page.gzip("");
            pieces.for_each(|piece| sink().write_all(black_box(piece.as_ref())).unwrap());
            black_box(tail)
        });
    });
    group.bench_function("serve identity", |b| {
        b.iter(|| page.plain().for_each(|piece| drop(black_box(piece.unwrap()))));
    });
    group.bench_function("prometheus crate: gather and encode, identity", |b| {
        b.iter(|| {
            let mut text = Vec::new();
            TextEncoder::new().encode(&registry.gather(), &mut text).unwrap();
            text
        });
    });
    group.finish();
}

criterion_group!(benches, matching, round, scrape);
criterion_main!(benches);
