//! What a connection is given at its beginning, and what is left of it at its end.

use crate::server::guard::Guard;
use crate::telemetry::Closed;
use axum::Router;
use tokio::sync::watch;

/// Bytes of a request's head, and of what is buffered of a connection: browsers send two thousand.
pub(super) const HEAD: usize = 16 * 1024;

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) router: Router,
    pub(super) guard: Guard,
    pub(super) stopping: watch::Receiver<bool>,
}

/// Why the server closed a connection, with what there is to say of it.
#[derive(Debug)]
pub(super) struct End {
    pub(super) closed: Closed,
    pub(super) why: Option<String>,
}

impl From<Closed> for End {
    fn from(closed: Closed) -> End {
        End { closed, why: None }
    }
}
