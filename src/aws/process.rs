//! The credential_process of a profile: a program that prints keys.
//!
//! The SDK would wait for it for ever, leave it running, and show what it has written to standard error, which may
//! hold secrets.

use super::error;
use crate::model::observation::CollectError;
use aws_credential_types::Credentials as Keys;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// More is no answer: session tokens have a few KiB.
const MOST_BYTES: u64 = 64 << 10;

#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) profile: String,
    /// For `sh`. It may hold secrets, too.
    pub(super) command: String,
}

impl Process {
    /// Runs it; it is ended, with all that it has started, where it takes longer. Nothing that it prints is ever
    /// shown.
    pub(super) async fn keys(&self, patience: Duration) -> Result<Keys, CollectError> {
        let failed = |how: String| {
            let profile = &self.profile;
            error::no_credentials(format_args!("the credential_process of the profile {profile} {how}"))
        };
        let mut running = Running::start(&self.command)
            .map_err(|error| failed(format!("cannot be started by sh: {error}")))?;
        let printed = match timeout(patience, running.end()).await {
            Err(_) => {
                let most = patience.as_secs();
                return Err(failed(format!(
                    "took longer than {most} s (aws.operation_timeout); it was ended"
                )));
            }
            Ok(Err(error)) => return Err(failed(format!("cannot be read from: {error}"))),
            Ok(Ok((printed, _))) if printed.len() as u64 > MOST_BYTES => {
                return Err(failed(format!("printed more than {} KiB, expected keys", MOST_BYTES >> 10)));
            }
            Ok(Ok((printed, Some(status)))) if status.success() => printed,
            Ok(Ok((_, status))) => {
                let status = status.map_or("no status".to_string(), told);
                return Err(failed(format!(
                    "ended with {status}; what it writes to standard error is not shown, run it by hand to see it"
                )));
            }
        };
        keys(&printed).map_err(|wrong| failed(format!("printed {wrong} (what it prints is not shown)")))
    }
}

fn told(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit status {code}"))
}

/// A shell and what it has started, a group of their own.
struct Running {
    shell: Child,
    /// `None`: they have ended by themselves.
    group: Option<Pid>,
}

impl Running {
    fn start(command: &str) -> io::Result<Running> {
        let mut shell = Command::new("sh");
        let shell = shell.arg("-c").arg(command).stdin(Stdio::null()).stderr(Stdio::null());
        let shell = shell.stdout(Stdio::piped()).process_group(0).kill_on_drop(true).spawn()?;
        let group = shell.id().and_then(|id| Pid::from_raw(id as i32));
        Ok(Running { shell, group })
    }

    /// What it prints until its end, and how that was; no end where it prints too much.
    async fn end(&mut self) -> io::Result<(Vec<u8>, Option<ExitStatus>)> {
        let mut printed = Vec::new();
        if let Some(output) = &mut self.shell.stdout {
            output.take(MOST_BYTES + 1).read_to_end(&mut printed).await?;
        }
        if printed.len() as u64 > MOST_BYTES {
            return Ok((printed, None));
        }
        let status = self.shell.wait().await?;
        self.group = None;
        Ok((printed, Some(status)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // Who has ended meanwhile needs no end.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The keys in what AWS's tools expect of such a process, or what else it is. Names are taken in any case, as the SDK
/// does.
fn keys(printed: &[u8]) -> Result<Keys, &'static str> {
    let all: Map<String, Value> = serde_json::from_slice(printed).map_err(|_| "no JSON object")?;
    let field =
        |name: &str| all.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let text = |name: &str| field(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if field("Version").and_then(Value::as_i64) != Some(1) {
        return Err("an object whose Version is not 1");
    }
    let id = text("AccessKeyId").ok_or("an object without AccessKeyId")?;
    let secret = text("SecretAccessKey").ok_or("an object without SecretAccessKey")?;
    let expires = match field("Expiration") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let at = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
            Some(SystemTime::from(at.ok_or("an Expiration that is no time of RFC 3339")?))
        }
    };
    Ok(Keys::new(id, secret, text("SessionToken").map(String::from), expires, "credential_process"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_from_the_object_that_aws_describes_and_from_nothing_else() {
        let whole = keys(
            br#"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "B", "sessiontoken": "C",
                "Expiration": "2099-12-31T00:00:00+00:00", "More": {}}"#,
        )
        .unwrap();
        assert_eq!((whole.access_key_id(), whole.secret_access_key()), ("A", "B"));
        assert_eq!(whole.session_token(), Some("C"));
        assert!(whole.expiry().is_some());
        for (text, wrong) in [
            ("SECRET", "no JSON object"),
            ("[1]", "no JSON object"),
            (r#"{"AccessKeyId": "A", "SecretAccessKey": "B"}"#, "an object whose Version is not 1"),
            (r#"{"Version": 1, "SecretAccessKey": "B"}"#, "an object without AccessKeyId"),
            (
                r#"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": ""}"#,
                "an object without SecretAccessKey",
            ),
            (
                r#"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "B", "Expiration": "soon"}"#,
                "an Expiration that is no time of RFC 3339",
            ),
        ] {
            assert_eq!(keys(text.as_bytes()).unwrap_err(), wrong, "{text}");
        }
    }
}
