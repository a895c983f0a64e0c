//! Asks a running exporter for its health, wherever it was told to listen.

mod ask;

use crate::cli::{self, Command, DEFAULT_ADDRESS, Healthcheck};
use crate::server::listen::Address;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

/// An exporter that runs.
struct Beside {
    /// Empty where systemd listens for it.
    addresses: Vec<Address>,
    web_config: Option<PathBuf>,
}

/// A container's health check has the environment of the exporter but not its flags; these are looked up where Linux
/// shows them.
pub(super) async fn run(mut args: Healthcheck) -> Result<()> {
    let given = args.listen_addresses.first().cloned();
    let beside = beside(given.as_ref());
    if let Some(beside) = &beside {
        args.web_config.web_config = args.web_config.web_config.take().or_else(|| beside.web_config.clone());
        if beside.addresses.is_empty() {
            bail!(
                "the exporter listens on sockets that systemd opened, expected one of them by --web.listen-address"
            );
        }
    }
    let own = beside.and_then(|beside| beside.addresses.into_iter().next());
    let address = given.or(own).map_or_else(|| DEFAULT_ADDRESS.parse(), Ok).map_err(anyhow::Error::msg)?;
    let answer = timeout(PATIENCE, ask::get(&address, "/-/healthy", &args)).await;
    let answer = answer.unwrap_or_else(|_| bail!("none within {} s", PATIENCE.as_secs()));
    let (status, why) = answer.with_context(|| format!("no answer from {address}"))?;
    if status.is_success() {
        return Ok(());
    }
    bail!("{address} answers {status}: {}", why.trim())
}

/// The exporter of this machine or container that listens at an address, or the one with the lowest process id: what
/// another one was told is not its business.
fn beside(address: Option<&Address>) -> Option<Beside> {
    let own = std::fs::read_link("/proc/self/exe").ok()?;
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut ids: Vec<u32> = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    ids.sort_unstable();
    let mut exporters =
        ids.into_iter().filter_map(|id| serves(&Path::new("/proc").join(id.to_string()), &own));
    exporters.find(|exporter| address.is_none_or(|address| exporter.addresses.contains(address)))
}

/// What a process was told, if it is this program and serves.
#[expect(clippy::disallowed_methods, reason = "the arguments of a process are a file")]
fn serves(process: &Path, own: &Path) -> Option<Beside> {
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
    let addresses = if web.systemd_socket { Vec::new() } else { web.address.listen_addresses };
    // A path is relative to where the process is.
    let folder = std::fs::read_link(process.join("cwd")).unwrap_or_default();
    Some(Beside { addresses, web_config: web.config.web_config.map(|file| folder.join(file)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a process as Linux shows it")]
    fn what_an_exporter_was_told_is_found_in_its_arguments() {
        let process = std::env::temp_dir().join(format!("bqe-process-{}", std::process::id()));
        std::fs::create_dir_all(&process).unwrap();
        std::os::unix::fs::symlink("/bedrock-quota-exporter", process.join("exe")).unwrap();
        std::os::unix::fs::symlink("/srv", process.join("cwd")).unwrap();
        let told = |arguments: &str, own: &str| {
            std::fs::write(process.join("cmdline"), arguments).unwrap();
            serves(&process, Path::new(own)).map(|beside| {
                let address = beside.addresses.first().map(|address| address.to_string());
                (address.unwrap_or_default(), beside.web_config.map(|file| file.display().to_string()))
            })
        };
        let own = "/bedrock-quota-exporter";
        let at = |address: &str| Some((address.to_string(), None));
        let cases = [
            ("exporter\0serve\0--web.listen-address=127.0.0.1:9\0", own, at("127.0.0.1:9")),
            (
                "exporter\0serve\0--web.listen-address\0unix:/run/a\0--log.level=warn\0",
                own,
                at("unix:/run/a"),
            ),
            ("exporter\0demo\0", own, at(DEFAULT_ADDRESS)),
            (
                "exporter\0serve\0--web.config.file=web.yml\0",
                own,
                Some((DEFAULT_ADDRESS.to_string(), Some("/srv/web.yml".to_string()))),
            ),
            ("exporter\0serve\0--web.systemd-socket\0", own, at("")),
            ("exporter\0healthcheck\0", own, None),
            ("exporter\0serve\0--no-such-flag\0", own, None),
            ("other\0serve\0", "/another", None),
        ];
        for (arguments, own, expected) in cases {
            assert_eq!(told(arguments, own), expected, "{arguments}");
        }
        std::fs::remove_dir_all(process).unwrap();
    }
}
