//! Files of AWS's tools that the SDK would read by itself: where it is called, to their end, whatever they are. A pipe
//! or a mount that hangs would hold a thread of the runtime for ever. So the AWS CLI's two files are read here, and the
//! SDK is given what they hold; those that it must read itself, since it writes them too, are read once before it.
#![expect(deprecated, reason = "aws-config's own signatures ask for the aliases")]

use super::http::variable;
use crate::config::{read_bytes, text};
use crate::readings::{PATIENCE, Readings};
use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
use aws_config::profile::{Profile, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};
use sha1::{Digest as _, Sha1};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;

static FILES: Readings = Readings::new();

/// The AWS CLI's config file and credentials file.
pub(super) struct Files {
    pub(super) profiles: ProfileSet,
    /// For whoever of the SDK would read them again.
    pub(super) contents: ProfileFiles,
}

impl Files {
    /// As they are now. An error names the file.
    pub(super) async fn read() -> Result<Files, String> {
        let runtime = Handle::current();
        let read = FILES.read(PATIENCE, move || {
            let config = Place::of(ProfileFileKind::Config, "AWS_CONFIG_FILE", "config").read()?;
            let variable = "AWS_SHARED_CREDENTIALS_FILE";
            let credentials = Place::of(ProfileFileKind::Credentials, variable, "credentials").read()?;
            runtime.block_on(Files::parse([config, credentials]))
        });
        read.await.unwrap_or_else(|hanging| {
            Err(format!("the AWS config file or the AWS credentials file {hanging}"))
        })
    }

    async fn parse(found: [Found; 2]) -> Result<Files, String> {
        // By their names, which the SDK puts into its messages, but out of memory.
        let (mut named, mut contents) = (ProfileFiles::builder(), ProfileFiles::builder());
        let mut memory = HashMap::new();
        for Found { kind, path, text } in found {
            named = named.with_file(kind, &path);
            memory.insert(path.into_os_string(), text.clone().into_bytes());
            contents = contents.with_contents(kind, text);
        }
        let selected = variable("AWS_PROFILE").map_or(Cow::Borrowed("default"), Cow::Owned);
        let memory = Fs::from_raw_map(memory);
        let profiles = aws_config::profile::load(&memory, &Env::real(), &named.build(), Some(selected)).await;
        let profiles = profiles.map_err(|error| super::error::causes(&error).join(": "))?;
        Ok(Files { profiles, contents: contents.build() })
    }
}

/// In place of files that cannot be read.
pub(super) fn none() -> ProfileFiles {
    ProfileFiles::builder().with_contents(ProfileFileKind::Config, "").build()
}

/// Where one of the two files is.
struct Place {
    kind: ProfileFileKind,
    path: PathBuf,
    /// The variable that says so.
    told: Option<&'static str>,
}

struct Found {
    kind: ProfileFileKind,
    path: PathBuf,
    text: String,
}

impl Place {
    fn of(kind: ProfileFileKind, variable: &'static str, usual: &str) -> Place {
        let told = std::env::var_os(variable).filter(|path| !path.is_empty());
        let is_told = told.is_some();
        let path = told.map_or_else(|| Path::new("~/.aws").join(usual), PathBuf::from);
        let path = match (path.strip_prefix("~"), home()) {
            (Ok(below), Some(home)) => home.join(below),
            _ => path,
        };
        Place { kind, path, told: is_told.then_some(variable) }
    }

    /// A file that nobody has told of may be missing.
    fn read(self) -> Result<Found, String> {
        let Place { kind, path, told } = self;
        if told.is_none() && !path.exists() {
            return Ok(Found { kind, path, text: String::new() });
        }
        match read_bytes(&path).and_then(text) {
            Ok(text) => Ok(Found { kind, path, text }),
            Err(wrong) => {
                let told = told.map(|variable| format!("{variable}: ")).unwrap_or_default();
                Err(format!("{told}{}: {wrong}", path.display()))
            }
        }
    }
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

/// Reads a file before the SDK does; an error says what is wrong with it.
pub(super) async fn look(readings: &'static Readings, path: &Path) -> Result<(), String> {
    let own = path.to_path_buf();
    let looked = readings.read(PATIENCE, move || read_bytes(&own).map(drop)).await;
    let looked = looked.unwrap_or_else(|hanging| Err(hanging.to_string()));
    looked.map_err(|wrong| format!("{}: {wrong}", path.display()))
}

/// Where the AWS CLI keeps the token of a profile's session, and the command that writes it there.
pub(super) fn session_cache(profile: &Profile) -> Option<(PathBuf, &'static str)> {
    let file = |digest: &[u8]| {
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        name + ".json"
    };
    if let Some(session) = profile.get("sso_session").or_else(|| profile.get("sso_start_url")) {
        return Some((home()?.join(".aws/sso/cache").join(file(&Sha1::digest(session))), "aws sso login"));
    }
    let session = profile.get("login_session")?;
    let told = std::env::var_os("AWS_LOGIN_CACHE_DIRECTORY").map(PathBuf::from);
    let folder = told.or_else(|| Some(home()?.join(".aws/login/cache")))?;
    Some((folder.join(file(&Sha256::digest(session.trim()))), "aws login"))
}
