//! What systemd is told, where it started the exporter (`Type=notify` or `notify-reload`, `WatchdogSec=`).

use sd_notify::NotifyState;
use std::time::Duration;

/// The exporter listens. Whether there is anything to scrape is asked at /-/ready: an AWS that does not answer
/// is no reason to start the exporter again.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The writer turns.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often it must be told so; `None` where there is no watchdog. Half of what systemd waits.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|patience| patience / 2)
}

/// Does nothing where there is no systemd to tell.
fn tell(state: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd cannot be told");
    }
}
