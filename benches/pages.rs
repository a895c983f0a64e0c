//! Random pages, made as /metrics is and inflated by another program: `cargo bench --bench pages [-- PAGES]`.
//!
//! Says how many did not inflate to what was rendered (none may), and how fast pages are made.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a benchmark ends where it is surprised")]

#[allow(dead_code)]
#[path = "../tests/it/pages.rs"]
mod pages;

use pages::{Inflater, Random, published};
use std::time::{Duration, Instant};

/// The largest page, in bytes.
const MOST: u64 = 1 << 19;

fn main() {
    let arguments = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let count: u32 = arguments.map_or(100_000, |count| count.parse().expect("a number of pages"));
    let (mut random, mut inflater) = (Random(1), Inflater::start());
    let (mut plain, mut packed, mut making) = (0, 0, Duration::ZERO);
    for _ in 0..count {
        let (text, own) = (random.page(MOST), random.page(4_096));
        let started = Instant::now();
        let body = published(&mut random, &text, std::str::from_utf8(&own).expect("ASCII"));
        making += started.elapsed();
        (plain, packed) = (plain + text.len(), packed + body.len());
        inflater.check(&[text, own].concat(), &body).expect("it reads all");
    }
    let megabytes = plain as f64 / 1e6;
    println!("pages and broken ones: {}", inflater.end());
    println!("{megabytes:.0} MB of text in {:.0} MB", packed as f64 / 1e6);
    println!("made and checked at {:.0} MB of text a second", megabytes / making.as_secs_f64());
}
