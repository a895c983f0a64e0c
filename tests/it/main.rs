//! Everything a user would notice, in one binary. The modules stand under the harness that they use; a new test
//! goes to the first harness that can show its mistake.
#![allow(clippy::disallowed_methods, reason = "tests read files, and time what they start")]
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test ends where it is surprised; its modules share freely"
)]

// The text of the project itself.
mod architecture; // import rules and circles of src/, documents that name what exists
mod coverage; // docs/COVERAGE.md against the public list, and that no row is measured by another's series
mod metrics_doc; // docs/METRICS.md against the table of families

// The core alone, without a runtime: `cloud` answers as CloudWatch and Service Quotas would, `world` is one
// small fixed snapshot with a sample of every family, `prometheus_text` reads pages strictly.
mod accuracy; // matching, counted over the codes that AWS's own documents state
mod api; // headroom and lists for software
mod changes; // ids, profiles and limits that come, go and change
mod cloud;
mod config; // bad configs and their exact messages
mod convergence; // 1,000 irregular worlds: what is shown meanwhile, and what it all comes to
mod corpora; // what fuzzing began with and has found, for every reader of what comes from outside
mod counters; // counters over outages, late answers, midnight
mod days; // quotas of tokens per day
mod explain; // `explain` on files as the AWS CLI prints them
mod exposition; // what a scrape shows of a snapshot
mod failure; // what stays, and for how long, when a target fails
mod findings; // what is wrong, by the thresholds of the alerts
mod irregular; // quota lists with misspelled, renamed and missing rows
mod lateness; // minutes that come late, in pieces, or not for a while
mod matching; // the join of usage to quota: models of tomorrow, names of every form
mod mistakes; // the classic mistakes of joining usage to quotas, one test each
mod oracle; // a second, naive calculation over 1,000 random worlds
mod pages; // random pages, inflated by another program
mod prometheus_text;
mod properties; // what holds of counters and ratios for any traffic
mod restart; // counters that outlive the process
mod schedule; // what is read when
mod status; // the status page
mod steps; // clocks that are set, back and forward
mod telemetry; // the exporter's own metrics
mod throttle; // refused calls, from datapoints to cause
mod top; // the terminal view, on terminals of every size
mod world;

// The real collectors against a simulated AWS in this process, at times of the test's choice (`rig`).
mod cadence; // reading by need: what it saves, and that it loses nothing
mod client; // the Rust client over AWS's SDK: what waits, what is tried again, what is never sent
mod dimensions; // the same calls under several sets of dimensions
mod faults; // everything that can go wrong at one of three targets
mod ministack; // an AWS that nobody here wrote
mod monitoring; // usage read by a monitoring account
mod parts; // service tiers and projects, against the points
mod probe; // where refusals begin: rules, the simulated runtime, the binary
mod rig;
mod rounds; // rounds minute by minute
mod series; // how many series a target publishes by default
mod service_quotas; // quotas that are no model's, end to end
mod sim;
mod tags; // tags that are refused for one of several profiles // the simulated AWS itself, seen by the Rust SDKs and boto3

// The whole process: the binary, its flags, its log, its pages (`served`).
mod agreement; // the daemon and `diagnose` say the same of one world
mod credentials; // every way to credentials, and whose they are
mod demo; // `demo` as a newcomer starts it
mod files; // what is no file where credentials are read
mod keys; // keys that do not come, are refused, or are another account's
mod live; // the command line where only the SDK's own variables point to AWS
mod network; // proxies, private authorities, and what is said when there is no way
mod organization; // accounts that nobody listed
mod permissions; // the policies of deploy/iam, which the simulated AWS keeps to
mod reload; // a config that changes, a process that stops, what stays open
mod secrets; // what messages never repeat: requests, tokens, passwords, and endpoints that are none
mod served;
mod server; // connections, addresses, probes, what systemd is told
mod shards; // several exporters that share the accounts
mod storage; // counters in a file: restarts, damaged files, two processes
mod tools; // quotas, usage, chart, diagnose, report: on snapshots of the demo and of a hostile world
mod unread; // what was not read is not called none
