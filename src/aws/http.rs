//! The HTTP client that every client of AWS shares: proxies and certificates as the environment names them, and
//! failures that say which host could not be reached, on which way, and why.

use super::authorities::{CA_BUNDLE, trusted};
use anyhow::{Result, ensure};
use aws_sdk_cloudwatch::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{self, TlsContext};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::CertificateError;
use std::error::Error;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Kept open to each host, one for each service and region; each holds on to buffers of its largest answer.
const IDLE_CONNECTIONS: usize = 8;
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// The client as the environment wants it. An error names the variable that holds no proxy or no certificates.
pub(super) async fn client() -> Result<SharedHttpClient> {
    PROXIES.iter().try_for_each(|name| check_proxy(name))?;
    let tls = TlsContext::builder().with_trust_store(trusted().await?).build()?;
    let routes = Arc::new(Routes(Matcher::from_env()));
    Ok(SharedHttpClient::new(Client { tls, routes, connectors: Mutex::default() }))
}

/// The way that calls to a URL take: directly, or by the proxy that the environment names.
pub(super) fn route(uri: &Uri) -> String {
    let proxy = Routes(Matcher::from_env()).proxy(uri);
    proxy.map_or("direct".to_string(), |proxy| format!("proxy {proxy}"))
}

/// A variable that is set, and not to nothing.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A proxy that cannot be understood would be passed by, as if none were set.
fn check_proxy(name: &str) -> Result<()> {
    let Some(value) = variable(name) else { return Ok(()) };
    let uri: Option<Uri> = value.parse().ok();
    let is_http = |uri: &Uri| matches!(uri.scheme_str(), None | Some("http" | "https"));
    // The value may hold a password: it is not repeated.
    ensure!(
        uri.is_some_and(|uri| is_http(&uri) && uri.authority().is_some()),
        "{name}: found no proxy, expected http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ where it asks"
    );
    Ok(())
}

struct Client {
    tls: TlsContext,
    routes: Arc<Routes>,
    /// Made once for each pair of timeouts, since each has its own connections.
    connectors: Mutex<Vec<(Timeouts, SharedHttpConnector)>>,
}

/// Until a connection stands, and until an answer begins.
type Timeouts = (Option<Duration>, Option<Duration>);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = connectors.iter().find(|(known, _)| *known == timeouts) {
            return known.clone();
        }
        let build = |proxy: ProxyConfig| {
            let mut builder =
                Connector::builder().pool_max_idle_per_host(IDLE_CONNECTIONS).proxy_config(proxy);
            builder.set_connector_settings(Some(settings.clone())).set_sleep_impl(components.sleep_impl());
            let provider = tls::Provider::Rustls(CryptoMode::AwsLc);
            SharedHttpConnector::new(builder.tls_provider(provider).tls_context(self.tls.clone()).build())
        };
        let connector = SharedHttpConnector::new(Routed {
            direct: build(ProxyConfig::disabled()),
            proxied: build(ProxyConfig::from_env()),
            routes: self.routes.clone(),
        });
        connectors.push((timeouts, connector.clone()));
        connector
    }
}

/// What the environment says of proxies.
struct Routes(Matcher);

impl Routes {
    /// The proxy on the way, without its password.
    fn proxy(&self, uri: &Uri) -> Option<String> {
        let nearby = uri.host().is_some_and(is_nearby);
        let intercept = self.0.intercept(uri).filter(|_| !nearby)?;
        let proxy = intercept.uri();
        Some(format!("{}://{}", proxy.scheme_str().unwrap_or("http"), proxy.authority()?))
    }
}

/// No proxy reaches what is on this machine, nor the addresses that only it can see: those of an instance's
/// metadata and of a container's credentials.
fn is_nearby(host: &str) -> bool {
    const METADATA_V6: [u16; 8] = [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254];
    const POD_IDENTITY_V6: [u16; 8] = [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23];
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || [METADATA_V6, POD_IDENTITY_V6].contains(&address.segments())
        }
        Err(_) => host == "localhost",
    }
}

struct Routed {
    direct: SharedHttpConnector,
    proxied: SharedHttpConnector,
    routes: Arc<Routes>,
}

impl fmt::Debug for Routed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Routed")
    }
}

impl HttpConnector for Routed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri: Option<Uri> = request.uri().parse().ok();
        let proxy = uri.as_ref().and_then(|uri| self.routes.proxy(uri));
        let connector = if proxy.is_some() { &self.proxied } else { &self.direct };
        let answer = connector.call(request);
        let host = uri.as_ref().map(authority).unwrap_or_default();
        HttpConnectorFuture::new(async move { answer.await.map_err(|error| named(error, host, proxy)) })
    }
}

/// Host and port of a URL.
pub(super) fn authority(uri: &Uri) -> String {
    let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(default))
}

/// A call that got no answer, with the host that it was meant for.
#[derive(Debug)]
pub(super) struct Unreachable {
    host: String,
    proxy: Option<String>,
    why: String,
    source: BoxError,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer from {}", self.host)?;
        if let Some(proxy) = &self.proxy {
            write!(f, " by the proxy {proxy}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The same error, of the same kind, with its host.
fn named(error: ConnectorError, host: String, proxy: Option<String>) -> ConnectorError {
    let is_timeout = error.is_timeout();
    let why = why(&error, proxy.is_some());
    let (is_user, is_io, kind) = (error.is_user(), error.is_io(), error.as_other());
    let source: BoxError = Unreachable { host, proxy, why, source: error.into_source() }.into();
    if is_timeout {
        ConnectorError::timeout(source)
    } else if is_user {
        ConnectorError::user(source)
    } else if is_io {
        ConnectorError::io(source)
    } else {
        ConnectorError::other(source, kind)
    }
}

/// What happened and what to do, for a reader of the log.
fn why(error: &ConnectorError, proxied: bool) -> String {
    let links: Vec<&(dyn Error + 'static)> = chain(error).collect();
    let io_kind = links.iter().find_map(|link| link.downcast_ref::<io::Error>()).map(io::Error::kind);
    let said = |words: &str| links.iter().any(|link| link.to_string().contains(words));
    if let Some(tls) = links.iter().find_map(|link| link.downcast_ref::<rustls::Error>()) {
        return why_tls(tls);
    }
    if error.is_timeout() {
        return "it timed out; a firewall, a route or a proxy may be in the way".to_string();
    }
    let last = links.last().map(|link| link.to_string()).unwrap_or_default();
    if said("dns error") {
        return format!("DNS does not know the name ({last}); is the region or the URL right?");
    }
    if proxied && said("tunnel") {
        return format!("the proxy does not let it through ({last})");
    }
    match io_kind {
        Some(io::ErrorKind::ConnectionRefused) => {
            "the connection is refused: nothing listens there".to_string()
        }
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe) => {
            format!("the connection was closed before the answer ({last})")
        }
        _ => last,
    }
}

fn why_tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => format!(
            "TLS: nobody whom this machine trusts has signed its certificate; {CA_BUNDLE} names a file with those of a \
             private authority"
        ),
        rustls::Error::InvalidMessage(_) => {
            "TLS: what answers there does not speak TLS; is it http://?".to_string()
        }
        other => format!("TLS: {other}"),
    }
}

/// An error and all that caused it, also what is wrapped by an I/O error.
pub(super) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(wrapper) => wrapper.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_asked_for_what_only_this_machine_sees() {
        for host in
            ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "169.254.170.23", "[fd00:ec2::254]"]
        {
            assert!(is_nearby(host), "{host}");
        }
        for host in ["10.0.0.1", "monitoring.us-east-1.amazonaws.com", "169.253.1.1", "[fd00:ec2::1]"] {
            assert!(!is_nearby(host), "{host}");
        }
    }

    #[test]
    fn a_host_is_named_with_its_port() {
        let name = |url: &str| authority(&url.parse().unwrap());
        assert_eq!(
            name("https://monitoring.us-east-1.amazonaws.com/"),
            "monitoring.us-east-1.amazonaws.com:443"
        );
        assert_eq!(name("http://127.0.0.1:4566/x"), "127.0.0.1:4566");
    }
}
