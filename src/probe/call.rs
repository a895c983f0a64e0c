//! A call, and what became of it.

use crate::model::ids::words;

words! {
    /// What is raised while all else is kept small.
    Dimension {
        /// Calls a minute.
        Requests = "requests",
        /// Tokens a minute, by long inputs and the shortest answers.
        Tokens = "tokens",
        /// Tokens that calls under way hold at once: input and max_tokens, whatever is used of them.
        Reservation = "reservation",
    }
}

/// A call to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its place among all calls, from 0.
    pub number: usize,
    /// About so many tokens of input; the answer tells how many they were.
    pub input: u64,
    pub max_tokens: u64,
}

/// What a call used, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Without what was read from or written to a cache.
    pub input: u64,
    pub cache_write: u64,
    pub output: u64,
}

words! {
    /// Who refused a call.
    Refusal {
        /// A ThrottlingException: a quota.
        Quota = "quota",
        /// 503 or 529: AWS is short of capacity, or overloaded. No quota helps.
        Capacity = "capacity",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done(Used),
    Refused(Refusal),
    /// Any other error, or no answer.
    Failed,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub outcome: Outcome,
    pub request_id: Option<String>,
    /// HTTP's; `None`: there was no answer.
    pub status: Option<u16>,
    /// The error's type; empty where there is none.
    pub code: String,
    pub message: String,
    /// Seconds that AWS asks to wait.
    pub retry_after: Option<f64>,
}

impl Answer {
    /// An answer of which only the outcome is known.
    pub fn of(outcome: Outcome) -> Answer {
        let (code, message) = (String::new(), String::new());
        Answer { outcome, request_id: None, status: None, code, message, retry_after: None }
    }
}

/// A call of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The step's place among all steps, from 0.
    pub step: usize,
    pub call: Call,
    /// Seconds since the epoch.
    pub sent: f64,
    /// When it was answered, and what; `None`: not yet, or nobody waited for it.
    pub answered: Option<(f64, Answer)>,
}

impl Record {
    pub fn outcome(&self) -> Option<Outcome> {
        self.answered.as_ref().map(|(_, answer)| answer.outcome)
    }

    pub(super) fn is_refused(&self) -> bool {
        matches!(self.outcome(), Some(Outcome::Refused(_)))
    }
}
