//! Where the server listens.

use anyhow::{Context, Result, bail};
use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, Type};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use tokio::net::{TcpListener, UnixListener, UnixStream, lookup_host};

/// How many connections the kernel holds that were not accepted yet.
const BACKLOG: i32 = 1024;

/// An address as the user writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Every address of the machine, IPv4 and IPv6: `:PORT`.
    Everywhere(u16),
    /// A host's name, or an IP address without brackets.
    Host(String, u16),
    Unix(PathBuf),
}

/// What connections come in by.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    /// Without a file of its own where somebody else made it.
    Unix(UnixListener, Option<Socketfile>),
}

/// The file of a unix socket; gone with its listener.
#[derive(Debug)]
pub struct Socketfile(PathBuf);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        const EXPECTED: &str = "expected HOST:PORT, :PORT or unix:/PATH";
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(EXPECTED.into()) } else { Ok(Address::Unix(path.into())) };
        }
        let (host, port) = text.rsplit_once(':').ok_or(EXPECTED)?;
        let port = port.parse().map_err(|_| EXPECTED)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_name =
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        match (host, bare) {
            ("", _) => Ok(Address::Everywhere(port)),
            (_, Some(ip)) if ip.parse::<Ipv6Addr>().is_ok() => Ok(Address::Host(ip.into(), port)),
            _ if is_name => Ok(Address::Host(host.into(), port)),
            _ => Err(EXPECTED.into()),
        }
    }
}

/// As it is written.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Everywhere(port) => write!(f, ":{port}"),
            Address::Host(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Address::Host(host, port) => write!(f, "{host}:{port}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Address {
    /// HOST:PORT by which this machine reaches it; `None` for a unix socket.
    pub fn from_here(&self) -> Option<String> {
        match self {
            Address::Everywhere(port) => Some(format!("localhost:{port}")),
            Address::Host(host, port) => match host.parse() {
                Ok(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => Some(format!("127.0.0.1:{port}")),
                Ok(std::net::IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Some(format!("[::1]:{port}")),
                _ => Some(self.to_string()),
            },
            Address::Unix(_) => None,
        }
    }

    /// Listens there; a name may stand for several addresses.
    async fn bind(&self) -> Result<Vec<Listener>> {
        let listeners = match self {
            Address::Everywhere(port) => everywhere(*port).map(|listener| vec![listener]),
            Address::Host(host, port) => named(host, *port).await,
            Address::Unix(path) => unix(path).await.map(|listener| vec![listener]),
        };
        listeners.with_context(|| format!("cannot listen on {self}"))
    }
}

/// Listens on all of them, or says on which it cannot.
pub async fn bind(addresses: &[Address]) -> Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for address in addresses {
        listeners.extend(address.bind().await?);
    }
    Ok(listeners)
}

/// What systemd listens on for this process (sd_listen_fds), or why that is nothing.
pub fn from_systemd() -> Result<Vec<Listener>> {
    let mut sockets = ListenFd::from_env();
    if sockets.len() == 0 {
        bail!(
            "--web.systemd-socket: systemd has opened no socket for this process, expected a .socket unit with ListenStream="
        );
    }
    (0..sockets.len()).map(|number| passed(&mut sockets, number)).collect()
}

fn passed(sockets: &mut ListenFd, number: usize) -> Result<Listener> {
    if let Ok(Some(listener)) = sockets.take_tcp_listener(number) {
        listener.set_nonblocking(true)?;
        return Ok(Listener::Tcp(TcpListener::from_std(listener)?));
    }
    let wrong = || {
        format!(
            "--web.systemd-socket: socket {number} of systemd's is none to accept connections on, expected ListenStream="
        )
    };
    let listener = sockets.take_unix_listener(number).with_context(wrong)?.with_context(wrong)?;
    listener.set_nonblocking(true)?;
    // The file is systemd's.
    Ok(Listener::Unix(UnixListener::from_std(listener)?, None))
}

/// One socket for both families; for IPv4 alone where the machine has no IPv6.
fn everywhere(port: u16) -> io::Result<Listener> {
    listen((Ipv6Addr::UNSPECIFIED, port).into()).or_else(|error| match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
        _ => listen((Ipv4Addr::UNSPECIFIED, port).into()),
    })
}

async fn named(host: &str, port: u16) -> io::Result<Vec<Listener>> {
    let mut addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    addresses.sort();
    addresses.dedup();
    let mut listeners = Vec::new();
    let mut unavailable = None;
    for address in addresses {
        match listen(address) {
            Ok(listener) => listeners.push(listener),
            // A name may have an IPv6 address on a machine that has none.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => unavailable = Some(error),
            Err(error) => return Err(error),
        }
    }
    match unavailable {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn listen(address: SocketAddr) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Whatever the system's default: `[::]` is every address, any other IPv6 address is itself alone.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restart may come while connections of the process before it linger.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(Listener::Tcp(TcpListener::from_std(socket.into())?))
}

/// The file of a socket that nobody listens on any more is replaced; any other file is left alone.
async fn unix(path: &Path) -> io::Result<Listener> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    if is_socket && UnixStream::connect(path).await.is_err() {
        std::fs::remove_file(path)?;
    }
    Ok(Listener::Unix(UnixListener::bind(path)?, Some(Socketfile(path.into()))))
}

impl Drop for Socketfile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The address as it came to be: of port 0 the port that was free.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listener::Tcp(listener) => match listener.local_addr() {
                Ok(address) => address.fmt(f),
                Err(_) => f.write_str("unknown"),
            },
            Listener::Unix(listener, _) => {
                let address = listener.local_addr().ok();
                match address.as_ref().and_then(|address| address.as_pathname()) {
                    Some(path) => write!(f, "unix:{}", path.display()),
                    None => f.write_str("unix:"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for good in [
            ":10469",
            "localhost:0",
            "127.0.0.1:80",
            "[::]:10469",
            "[::1]:1",
            "exporter.example.org:80",
            "unix:/run/a",
        ] {
            assert_eq!(good.parse::<Address>().map(|address| address.to_string()), Ok(good.to_string()));
        }
        assert_eq!("unix:///run/a".parse(), Ok(Address::Unix("/run/a".into())));
        for bad in [
            "",
            "10469",
            ":",
            ":http",
            "127.0.0.1",
            ":65536",
            "::1:80",
            "[::1:80",
            "a b:80",
            "unix:",
            "h/:80",
        ] {
            assert!(bad.parse::<Address>().unwrap_err().starts_with("expected HOST:PORT"), "{bad}");
        }
    }

    #[test]
    fn an_address_is_reached_from_here() {
        let reached = |text: &str| text.parse::<Address>().unwrap().from_here();
        assert_eq!(reached(":80").as_deref(), Some("localhost:80"));
        assert_eq!(reached("0.0.0.0:80").as_deref(), Some("127.0.0.1:80"));
        assert_eq!(reached("[::]:80").as_deref(), Some("[::1]:80"));
        assert_eq!(reached("10.0.0.7:80").as_deref(), Some("10.0.0.7:80"));
        assert_eq!(reached("unix:/run/a"), None);
    }
}
