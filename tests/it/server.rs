//! The server of the real binary: clients that are slow, idle, many or rude; where it listens; what probes and
//! systemd hear.

use crate::served::{ONE, Scrape, Served, world};
use bedrock_quota_exporter::sim::faults::{Fault, Kind};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_bedrock-quota-exporter");

impl Served {
    fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// A client that sends this and waits; it gives up after a minute.
    fn client(&self, sent: &str) -> TcpStream {
        let mut client = TcpStream::connect(self.address()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        client.write_all(sent.as_bytes()).unwrap();
        client
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Asks four times a second until it answers so.
    async fn until_answer(&self, path: &str, wanted: impl Fn(u16, &str) -> bool) {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        for _ in 0..240 {
            ticks.tick().await;
            let (status, text) = self.get(path).await;
            if wanted(status, &text) {
                return;
            }
        }
        panic!("never: {path}");
    }
}

impl Scrape {
    fn closed(&self, reason: &str) -> f64 {
        let mut lines = self.lines("bedrock_exporter_http_connections_closed_total");
        let own = lines.find(|line| line.contains(&format!("\"{reason}\""))).expect("every reason");
        own.rsplit_once(' ').unwrap().1.parse().unwrap()
    }
}

/// What is left to read until the server closes.
fn rest(mut client: TcpStream) -> String {
    let mut bytes = Vec::new();
    match client.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("not closed: {error}"),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// The soft limit that systems start processes with.
fn few_files(command: &mut Command) -> &mut Command {
    // The shell sets the limit and becomes the exporter.
    let arguments: Vec<_> = command.get_args().map(std::ffi::OsStr::to_owned).collect();
    let envs: Vec<_> =
        command.get_envs().map(|(key, value)| (key.to_owned(), value.unwrap().to_owned())).collect();
    *command = Command::new("sh");
    command.args(["-c", "ulimit -Sn 1024; exec \"$@\"", "sh", BINARY]).args(arguments).envs(envs);
    command.stdin(Stdio::null()).stderr(Stdio::piped())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_clients_do_not_deafen_it() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let served = Served::with("idle", world(), ONE, Vec::new(), few_files).await;
    let idle: Vec<TcpStream> = (0..1000).map(|_| served.client("")).collect();
    let scrape = served.scrape().await;
    assert!(scrape.value("bedrock_exporter_http_connections") <= 256.0);
    assert!(scrape.closed("limit") >= 744.0, "{}", scrape.closed("limit"));
    assert!(scrape.value("process_max_fds") > 1024.0, "the soft limit is raised");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unfinished_requests_take_little_memory_and_no_scrape() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let served = Served::start("unfinished", Vec::new()).await;
    let before = served.until_read().await.value("process_resident_memory_bytes");
    let head = format!("GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Long: {}", "x".repeat(15 * 1024));
    let unfinished: Vec<TcpStream> = (0..1500).map(|_| served.client(&head)).collect();
    let during = served.scrape().await.value("process_resident_memory_bytes");
    println!("{:.0} MiB more for 1,500 unfinished requests", (during - before) / 1048576.0);
    assert!(during - before < 64.0 * 1048576.0, "{before} {during}");
    drop(unfinished);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rude_requests_are_refused_and_slow_ones_given_up() {
    let served = Served::start("rude", Vec::new()).await;
    let slow = served.client("GET /metrics HTTP/1.1\r\nHo");
    let began = Instant::now();
    let long = format!("GET /metrics HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(20 * 1024));
    let refused = rest(served.client(&long));
    assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
    let http2 = rest(served.client("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    assert!(!http2.contains("\u{0}") && !http2.starts_with("HTTP/2"), "no HTTP/2 in clear text: {http2:?}");
    let garbage = rest(served.client("\u{16}\u{3}\u{1} hello\r\n\r\n"));
    assert!(garbage.is_empty() || garbage.starts_with("HTTP/1.1 400"), "{garbage}");
    assert_eq!(rest(slow), "");
    let took = began.elapsed().as_secs_f64();
    assert!((9.0..40.0).contains(&took), "{took}");
    assert_eq!(served.scrape().await.closed("slow_request"), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_client_may_keep_its_connection() {
    let served = Served::start("kept", Vec::new()).await;
    // Its pool may open a second one while the first is on its way back: that is the client's, and is closed again.
    let client = reqwest::Client::builder().pool_max_idle_per_host(1).build().unwrap();
    for _ in 0..20 {
        client.get(format!("{}/metrics", served.url)).send().await.unwrap().bytes().await.unwrap();
    }
    // Those that looked whether it answers yet are counted until their end is seen.
    let open = |scrape: &Scrape| scrape.value("bedrock_exporter_http_connections");
    served.until("the kept one and this", |scrape| open(scrape) == 2.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_listens_on_both_families_and_on_a_socket_file() {
    let folder = std::env::temp_dir().join(format!("bqe-socket-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("socket");
    // As a process that was killed leaves it.
    drop(std::os::unix::net::UnixListener::bind(&file).unwrap());
    let unix = format!("unix:{}", file.display());
    let served = Served::with("listen", world(), ONE, Vec::new(), |command| {
        command.arg("--web.listen-address=:0").arg(format!("--web.listen-address=localhost:0,{unix}"))
    })
    .await;
    let reached = reqwest::Client::builder().unix_socket(file.as_path()).build().unwrap();
    let answer = reached.get("http://localhost/-/healthy").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let mut ask = Command::new(BINARY);
    ask.arg("healthcheck").env("BEDROCK_QUOTA_EXPORTER_WEB_LISTEN_ADDRESS", &unix);
    assert!(ask.status().unwrap().success(), "the health check finds a socket file");
    let listening = served.logged("msg=listening address=", 3).await;
    let everywhere =
        listening.iter().find_map(|line| line.split_once("address=[::]:")).expect("every address");
    for host in ["127.0.0.1", "[::1]"] {
        let answer = reqwest::get(format!("http://{host}:{}/-/healthy", everywhere.1.trim())).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{host}");
    }
    served.signal("-TERM");
    served.logged("msg=stopping", 1).await;
    drop(served);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_ready_only_once_something_of_every_account_could_be_read() {
    let denied = Fault { service: Some("sts".into()), ..Fault::new(Kind::AccessDenied) };
    let config = "regions: [us-east-1]\naccounts: [{role_arn: 'arn:aws:iam::000000000000:role/reader'}]\n";
    let served = Served::of("ready", world(), config, vec![denied]).await;
    let refused = "nothing could be read of account 000000000000\n";
    served.until_answer("/-/ready", |status, text| status == 503 && text == refused).await;
    assert_eq!(served.get("/-/healthy").await.0, 200, "a restart would not heal it");
    served.sim.set_faults(Vec::new()).await;
    served.until_answer("/-/ready", |status, _| status == 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_that_is_a_pipe_hangs_nothing_and_the_next_reload_reads_the_file_that_is_there() {
    let mut served = Served::start("fifo", Vec::new()).await;
    served.until_read().await;
    let file = served.folder.join("config.yaml");
    std::fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    (0..100).for_each(|_| served.signal("-HUP"));
    let asked = Instant::now();
    let url = format!("{}/-/reload", served.url);
    let reload = async || {
        let answer = reqwest::Client::new().post(&url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, said) = reload().await;
    assert_eq!(status, 400);
    assert!(said.contains("config.yaml: found a pipe, expected a file, which can be read again"), "{said}");
    served.scrape().await;
    assert_eq!(served.get("/-/healthy").await.0, 200);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    served.config(ONE);
    assert_eq!(reload().await, (200, "reloaded\n".to_string()));
    assert_eq!(served.scrape().await.value("bedrock_exporter_config_last_reload_successful"), 1.0);
    let stopped = Instant::now();
    served.signal("-TERM");
    assert_eq!(served.exporter.wait().unwrap().code(), Some(0));
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}", stopped.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_complaints_the_first_are_told_and_the_rest_counted() {
    let served = Served::start("complaints", Vec::new()).await;
    let keys: String = (0..60_000).map(|n| format!("key{n}: 1\n")).collect();
    served.config(&keys);
    let reload = tokio::spawn(reqwest::Client::new().post(format!("{}/-/reload", served.url)).send());
    let asked = Instant::now();
    served.scrape().await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let said = reload.await.unwrap().unwrap().text().await.unwrap();
    assert_eq!(said.matches("unknown key").count(), 20, "{said}");
    assert!(said.ends_with("and 59980 more\n"), "{said}");
    let lines = served.logged("config not reloaded", 1).await;
    assert!(lines[0].len() < 4096, "{} bytes", lines[0].len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_that_changes_nothing_drops_no_work() {
    let hang = Fault { operation: Some("GetMetricData".into()), ..Fault::new(Kind::Timeout) };
    let served = Served::start("same", vec![hang]).await;
    let called = async || {
        let calls = served.sim.calls().await;
        calls
            .iter()
            .filter(|(call, _)| call.operation == "GetMetricData")
            .map(|(_, count)| count.calls)
            .sum::<u64>()
    };
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    while called().await == 0 {
        ticks.tick().await;
    }
    let before = called().await;
    for _ in 0..20 {
        let reload = reqwest::Client::new().post(format!("{}/-/reload", served.url)).send().await.unwrap();
        assert_eq!(reload.status().as_u16(), 200);
    }
    // A call may have timed out meanwhile and been tried again; dropped work would have been 20 calls.
    let after = called().await;
    assert!(after - before <= 3, "{before} calls, then {after}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_hears_that_it_is_ready_reloads_lives_and_stops() {
    let path = std::env::temp_dir().join(format!("bqe-notify-{}", std::process::id()));
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let told = || {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).expect("something within a minute");
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    let until = |wanted: &str| while !told().contains(wanted) {};
    let served = Served::with("systemd", world(), ONE, Vec::new(), |command| {
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "2000000")
    })
    .await;
    assert_eq!(told().trim(), "READY=1");
    served.until_read().await;
    let mut alive = Instant::now();
    for _ in 0..4 {
        until("WATCHDOG=1");
        assert!(alive.elapsed() < Duration::from_secs(10), "{:?}", alive.elapsed());
        alive = Instant::now();
    }
    served.signal("-HUP");
    until("RELOADING=1\nMONOTONIC_USEC=");
    until("READY=1");
    served.signal("-TERM");
    until("STOPPING=1");
    std::fs::remove_file(path).unwrap();
}

/// The binary, with its exit code, standard output and standard error.
fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let names = ["CONFIG_FILE", "SHARD", "IDS", "LOG_LEVEL", "LOG_FORMAT"];
    let empty = names.map(|name| (format!("BEDROCK_QUOTA_EXPORTER_{name}"), ""));
    let usual = run(Command::new(BINARY).arg("check"));
    assert_eq!(usual.0, Some(0), "{}", usual.2);
    assert_eq!(run(Command::new(BINARY).arg("check").envs(empty)), usual);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flag_is_set_by_1_true_and_yes() {
    for (said, status) in
        [("1", 200), ("true", 200), ("yes", 200), ("0", 404), ("false", 404), ("no", 404), ("", 404)]
    {
        let served = Served::with("flag", world(), ONE, Vec::new(), |command| {
            let arguments: Vec<_> = command.get_args().map(std::ffi::OsStr::to_owned).collect();
            let envs: Vec<_> =
                command.get_envs().map(|(key, value)| (key.to_owned(), value.unwrap().to_owned())).collect();
            *command = Command::new(BINARY);
            command
                .args(arguments.iter().filter(|argument| *argument != "--web.enable-lifecycle"))
                .envs(envs);
            command.env("BEDROCK_QUOTA_EXPORTER_WEB_ENABLE_LIFECYCLE", said);
            command.stdin(Stdio::null()).stderr(Stdio::piped())
        })
        .await;
        let reload = reqwest::Client::new().post(format!("{}/-/reload", served.url)).send().await.unwrap();
        assert_eq!(reload.status().as_u16(), status, "{said:?}");
    }
}

#[test]
fn a_closed_standard_output_ends_a_tool_quietly() {
    for arguments in [&["check"][..], &["--version"], &["--help"]] {
        let mut tool = Command::new(BINARY);
        let mut tool = tool.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(tool.stdout.take());
        let output = tool.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn the_version_tells_what_was_built() {
    let (code, text, _) = run(Command::new(BINARY).arg("--version"));
    assert_eq!(code, Some(0));
    for part in [env!("CARGO_PKG_VERSION"), "revision: ", "build: ", std::env::consts::ARCH, "features: "] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
