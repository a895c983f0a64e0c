//! What a web configuration comes to: read with all the files that it names.

use super::tls::{Read, server_config};
use crate::config::{self, Complaint, Complaints, web};
use axum::http::{HeaderName, HeaderValue};
use rustls::ServerConfig;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A web configuration that can be in force.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    pub(in crate::server) tls: Option<Arc<ServerConfig>>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) users: BTreeMap<String, String>,
    pub(super) rate_limit: Option<web::RateLimit>,
    /// Whether nobody connects without a certificate that is verified.
    only_verified: bool,
    /// What it was made of: the file's own text first, then those that it names.
    made_of: Vec<String>,
}

impl Policy {
    /// Reads the file and those that it names.
    pub(crate) fn read(path: &Path) -> Result<Policy, Complaints> {
        let text = config::read_again(path)
            .map_err(|wrong| refused(path, Complaint::new(0, String::new(), wrong)))?;
        let config = web::parse(path, &text)?;
        let read = config.tls.as_ref().map(Read::new).transpose().map_err(|wrong| refused(path, wrong))?;
        Policy::of(config, text, read).map_err(|wrong| refused(path, wrong))
    }

    /// The same, or nothing where no byte of it has changed. What protects the exporter is not taken away from it
    /// while it runs: a file that is being written is empty for a moment.
    pub(super) fn read_again(&self, path: &Path) -> Result<Option<Policy>, String> {
        let of_file = |wrong: Complaint| refused(path, wrong).to_string();
        let text =
            config::read_again(path).map_err(|wrong| of_file(Complaint::new(0, String::new(), wrong)))?;
        let config = web::parse(path, &text).map_err(|wrong| wrong.to_string())?;
        let read = config.tls.as_ref().map(Read::new).transpose().map_err(of_file)?;
        if self.made_of == made_of(&text, read.as_ref()) {
            return Ok(None);
        }
        let new = Policy::of(config, text, read).map_err(of_file)?;
        match self.kept_from(&new) {
            Some((key, message)) => Err(of_file(Complaint::new(0, key.into(), message.into()))),
            None => Ok(Some(new)),
        }
    }

    /// What only a restart changes, and would change by `new`.
    fn kept_from(&self, new: &Policy) -> Option<(&'static str, &'static str)> {
        const TLS: &str = "tls_server_config";
        match (self.tls.is_some(), new.tls.is_some()) {
            (true, false) => {
                Some((TLS, "found nothing, expected TLS as before: only a restart switches it off"))
            }
            (false, true) => Some((TLS, "found TLS, expected none as before: only a restart switches it on")),
            _ if self.only_verified && !new.only_verified => Some((
                "tls_server_config.client_auth_type",
                "found another, expected RequireAndVerifyClientCert as before: only a restart lets others in",
            )),
            _ if !self.users.is_empty() && new.users.is_empty() => Some((
                "basic_auth_users",
                "found none, expected some as before: only a restart lets everybody in",
            )),
            _ => None,
        }
    }

    fn of(config: web::WebConfig, text: String, read: Option<Read>) -> Result<Policy, Complaint> {
        let made_of = made_of(&text, read.as_ref());
        let tls = config.tls.as_ref().zip(read.as_ref());
        let only_verified = tls.is_some_and(|(tls, _)| tls.client_auth == web::ClientAuth::RequireAndVerify);
        let tls = tls.map(|(tls, read)| server_config(tls, read, config.http2)).transpose()?;
        let headers = config.headers.into_iter().filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        });
        let (headers, users) = (headers.collect(), config.users);
        Ok(Policy {
            tls: tls.map(Arc::new),
            headers,
            users,
            rate_limit: config.rate_limit,
            only_verified,
            made_of,
        })
    }
}

fn made_of(text: &str, read: Option<&Read>) -> Vec<String> {
    let named = read.into_iter().flat_map(Read::texts);
    [text].into_iter().chain(named).map(String::from).collect()
}

fn refused(path: &Path, complaint: Complaint) -> Complaints {
    Complaints { file: path.display().to_string(), list: vec![complaint] }
}

/// What it protects, on one line.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tls {
            None => f.write_str("no TLS")?,
            Some(tls) => {
                let http2 = if tls.alpn_protocols.len() > 1 { "with HTTP/2" } else { "without HTTP/2" };
                write!(f, "TLS {http2}")?;
            }
        }
        write!(f, ", basic_auth_users: {}", self.users.len())?;
        match &self.rate_limit {
            None => Ok(()),
            // The form of the file allows it, other exporters do so.
            Some(limit) if limit.burst == 0 => f.write_str(", rate_limit.burst 0: every request is refused"),
            Some(limit) => write!(f, ", a request every {:?}, {} at once", limit.interval, limit.burst),
        }
    }
}
