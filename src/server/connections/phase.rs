//! What a connection is at, and for how long it may be.

use crate::telemetry::Closed;
use axum::body::HttpBody;
use axum::http::Response;
use http_body_util::BodyExt;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// TLS has to be agreed upon within so long a time.
const GREETING: Duration = Duration::from_secs(10);
/// A kept connection may be idle for so long: longer than Prometheus's intervals.
const WAITING: Duration = Duration::from_secs(5 * 60);
/// A request's head may take so long from its first byte.
const ASKING: Duration = Duration::from_secs(10);
/// An answer may take so long until its last byte is handed over; Prometheus itself gives up after 10 s by default.
const ANSWERING: Duration = Duration::from_secs(60);

/// What a connection is at. In this order they have to go where there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    Greeting,
    Waiting,
    Asking,
    Answering,
}

#[derive(Clone, Debug)]
pub(super) struct Phase {
    doing: Doing,
    since: Instant,
    /// When the answers under way began; HTTP/2 may have several.
    answers: Vec<Instant>,
    /// Whether what comes in may be something else than a request, as in HTTP/2.
    is_mixed: bool,
}

impl Phase {
    pub(super) fn new() -> Phase {
        Phase { doing: Doing::Greeting, since: Instant::now(), answers: Vec::new(), is_mixed: false }
    }

    fn turn(&mut self, doing: Doing) {
        (self.doing, self.since) = (doing, Instant::now());
    }

    /// For a request, for a while.
    pub(super) fn wait(&mut self) {
        self.turn(Doing::Waiting);
    }

    /// A request must come soon.
    pub(super) fn ask(&mut self) {
        self.turn(Doing::Asking);
    }

    /// What comes in need not be a request.
    pub(super) fn mix(&mut self) {
        self.is_mixed = true;
    }

    /// Something came in; returns whether that changes anything.
    pub(super) fn hear(&mut self) -> bool {
        let begins = self.doing == Doing::Waiting && !self.is_mixed;
        if begins {
            self.ask();
        }
        begins
    }

    fn answer(&mut self) -> Instant {
        let now = Instant::now();
        self.answers.push(now);
        (self.doing, self.since) = (Doing::Answering, self.answers[0]);
        now
    }

    fn answered(&mut self, began: Instant) {
        if let Some(at) = self.answers.iter().position(|other| *other == began) {
            self.answers.remove(at);
        }
        match self.answers.first() {
            Some(oldest) => self.since = *oldest,
            None => self.wait(),
        }
    }

    /// When it has taken too long, and what that is called.
    pub(super) fn deadline(&self) -> (Instant, Closed) {
        match self.doing {
            Doing::Greeting => (self.since + GREETING, Closed::SlowHandshake),
            Doing::Waiting => (self.since + WAITING, Closed::Idle),
            Doing::Asking => (self.since + ASKING, Closed::SlowRequest),
            Doing::Answering => (self.since + ANSWERING, Closed::SlowAnswer),
        }
    }

    /// The greatest of all connections has to go first.
    pub(super) fn goes_before(&self) -> impl Ord + use<> {
        (Reverse(self.doing), self.since.elapsed())
    }
}

/// An answer under way, from its request to its last byte.
pub(super) struct Answering {
    phase: Arc<watch::Sender<Phase>>,
    began: Option<Instant>,
}

impl Answering {
    pub(super) fn new(phase: Arc<watch::Sender<Phase>>) -> Answering {
        let mut began = None;
        phase.send_modify(|phase| began = Some(phase.answer()));
        Answering { phase, began }
    }

    /// Keeps it under way until the body is dropped.
    pub(super) fn until_read<B>(
        self,
        answer: Response<B>,
    ) -> Response<impl HttpBody<Data = B::Data, Error = B::Error>>
    where
        B: HttpBody,
    {
        answer.map(|body| {
            body.map_frame(move |frame| {
                let _under_way = &self;
                frame
            })
        })
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(began) = self.began {
            self.phase.send_modify(|phase| phase.answered(began));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn several_answers_last_until_the_last_and_count_from_the_oldest() {
        let (now, mut phase) = (Instant::now(), Phase::new());
        phase.answers = vec![now - 5 * SECOND];
        let second = phase.answer();
        assert_eq!(phase.deadline(), (now - 5 * SECOND + ANSWERING, Closed::SlowAnswer));
        phase.answered(now - 5 * SECOND);
        assert_eq!(phase.deadline(), (second + ANSWERING, Closed::SlowAnswer));
        phase.answered(second);
        assert_eq!((phase.doing, phase.deadline().1), (Doing::Waiting, Closed::Idle));
    }

    #[test]
    fn what_comes_in_begins_a_request_unless_it_may_be_something_else() {
        let mut phase = Phase::new();
        assert!(!phase.hear(), "a handshake");
        phase.wait();
        assert!(phase.hear() && phase.deadline().1 == Closed::SlowRequest);
        phase.mix();
        phase.wait();
        assert!(!phase.hear() && phase.deadline().1 == Closed::Idle);
    }

    #[test]
    fn handshakes_go_first_and_answers_last() {
        let (now, new) = (Instant::now(), Phase::new());
        let at = |doing, age| Phase { doing, since: now - age * SECOND, ..new.clone() };
        let right = [
            at(Doing::Greeting, 3),
            at(Doing::Greeting, 2),
            at(Doing::Waiting, 200),
            at(Doing::Asking, 9),
            at(Doing::Answering, 50),
        ];
        let mut all = right.clone();
        all.reverse();
        all.sort_by_key(|phase| Reverse(phase.goes_before()));
        let seen =
            |phases: &[Phase]| phases.iter().map(|phase| (phase.doing, phase.since)).collect::<Vec<_>>();
        assert_eq!(seen(&all), seen(&right));
    }
}
