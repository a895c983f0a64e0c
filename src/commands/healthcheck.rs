//! Asks a running exporter for its health, wherever it was told to listen.

use crate::cli::{self, Command, DEFAULT_ADDRESS};
use crate::server::listen::Address;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// `given`: by flag or environment. A container's health check has the environment of the exporter but not its
/// flags; these are looked up where Linux shows them.
pub(super) async fn run(given: Vec<Address>) -> Result<()> {
    let address = given.into_iter().next().or_else(beside).map_or_else(|| DEFAULT_ADDRESS.parse(), Ok);
    let address = address.map_err(anyhow::Error::msg)?;
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
    let (client, host) = match &address {
        Address::Unix(path) => (client.unix_socket(path.as_path()), "localhost".to_string()),
        _ => (client, address.from_here().unwrap_or_default()),
    };
    let answer = client.build()?.get(format!("http://{host}/-/healthy")).send().await;
    let answer = answer.with_context(|| format!("no answer from {address}"))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let why = answer.text().await.unwrap_or_default();
    bail!("{address} answers {status}: {}", why.trim())
}

/// Where an exporter of this machine or container listens: the one with the lowest process id.
fn beside() -> Option<Address> {
    let own = std::fs::read_link("/proc/self/exe").ok()?;
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut ids: Vec<u32> = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    ids.sort_unstable();
    ids.into_iter().find_map(|id| listens(&Path::new("/proc").join(id.to_string()), &own))
}

/// Where a process listens, if it is this program and serves.
#[expect(clippy::disallowed_methods, reason = "the arguments of a process are a file")]
fn listens(process: &Path, own: &Path) -> Option<Address> {
    let arguments = std::fs::read(process.join("cmdline")).ok()?;
    if std::fs::read_link(process.join("exe")).ok()? != own {
        return None;
    }
    let arguments = arguments.split(|byte| *byte == 0).filter(|argument| !argument.is_empty());
    let arguments: Vec<String> =
        arguments.map(|argument| String::from_utf8_lossy(argument).into_owned()).collect();
    let web = match cli::try_parse_from(arguments).ok()?.command {
        Command::Serve(serve) => serve.web,
        Command::Demo(demo) => demo.web,
        _ => return None,
    };
    web.address.listen_addresses.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a process as Linux shows it")]
    fn the_address_of_an_exporter_is_found_in_its_arguments() {
        let process = std::env::temp_dir().join(format!("bqe-process-{}", std::process::id()));
        std::fs::create_dir_all(&process).unwrap();
        std::os::unix::fs::symlink("/bedrock-quota-exporter", process.join("exe")).unwrap();
        let listens = |arguments: &str, own: &str| {
            std::fs::write(process.join("cmdline"), arguments).unwrap();
            listens(&process, Path::new(own)).map(|address| address.to_string())
        };
        let own = "/bedrock-quota-exporter";
        let cases = [
            ("exporter\0serve\0--web.listen-address=127.0.0.1:9\0", own, Some("127.0.0.1:9")),
            (
                "exporter\0serve\0--web.listen-address\0unix:/run/a\0--log.level=warn\0",
                own,
                Some("unix:/run/a"),
            ),
            ("exporter\0demo\0", own, Some(DEFAULT_ADDRESS)),
            ("exporter\0healthcheck\0", own, None),
            ("exporter\0serve\0--no-such-flag\0", own, None),
            ("other\0serve\0", "/another", None),
        ];
        for (arguments, own, address) in cases {
            assert_eq!(listens(arguments, own).as_deref(), address, "{arguments}");
        }
        std::fs::remove_dir_all(process).unwrap();
    }
}
