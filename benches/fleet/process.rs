//! The exporter and the simulated AWS as processes of their own, and what the system says of them.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A process that listens, and does not outlive the benchmark.
pub struct Process {
    child: Child,
    pub url: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This benchmark once more, as the simulated AWS.
pub fn world(arguments: &[&str]) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    listening(command.arg("world").args(arguments), "simulating on ")
}

/// `serve` with this config.
pub fn exporter(config: &str, arguments: &[&str]) -> Process {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("bqe-fleet-{}-{number}.yaml", std::process::id()));
    std::fs::write(&file, config).unwrap();
    let process = listening(
        Command::new(env!("CARGO_BIN_EXE_bedrock-quota-exporter"))
            .args(["serve", "--web.listen-address=127.0.0.1:0", "--config.file"])
            .arg(&file)
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", "AKIASIMULATED")
            .env("AWS_SECRET_ACCESS_KEY", "simulated")
            .env("AWS_EC2_METADATA_DISABLED", "true"),
        "msg=listening address=",
    );
    let _ = std::fs::remove_file(file);
    process
}

/// Starts a process, whose address follows `marker` on its standard error.
fn listening(command: &mut Command, marker: &str) -> Process {
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let found = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, address) = line.split_once(marker)?;
        Some(format!("http://{}", address.trim()))
    });
    std::thread::spawn(move || {
        lines.map_while(Result::ok).filter(|l| !l.contains("level=info")).for_each(|l| eprintln!("{l}"))
    });
    Process { child, url: found.expect("the process says where it listens") }
}

impl Process {
    /// From /proc, in MiB.
    pub fn resident(&self, line: &str) -> f64 {
        resident(&self.child.id().to_string(), line)
    }

    /// User and system time, at Linux's 100 ticks a second.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
    }

    /// Whether everything was tried, and can be scraped.
    pub async fn is_ready(&self) -> bool {
        reqwest::get(format!("{}/-/ready", self.url)).await.is_ok_and(|answer| answer.status() == 200)
    }
}

/// Of a process, or of `self`.
pub fn resident(process: &str, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let found = status.lines().find_map(|l| l.strip_prefix(line)).unwrap();
    found.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// What was asked of the simulated AWS.
#[derive(Clone, Copy)]
pub struct Calls {
    pub calls: f64,
    pub throttled: f64,
    pub metrics: f64,
}

/// Of one service, or of all.
pub async fn calls(aws: &Process, service: &str) -> Calls {
    let answer = reqwest::get(format!("{}/_sim/calls", aws.url)).await.unwrap();
    let rows: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let rows = rows.as_array().unwrap().iter();
    let rows = rows.filter(|row| service.is_empty() || row["service"] == service);
    let sum = |key: &str| rows.clone().filter_map(|row| row[key].as_f64()).sum::<f64>();
    Calls { calls: sum("calls"), throttled: sum("throttled"), metrics: sum("metrics") }
}
