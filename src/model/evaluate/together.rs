//! Models that are refused together: one cause, which is none of theirs. One decision, for what is published now and for
//! the picture of a span.

use crate::model::evaluation::Cause;
use crate::model::matching::{self, Family};
use crate::model::quota::{QuotaList, ServiceQuota};
use crate::model::time::Minute;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many models that are refused in the same minutes, each far below its limits, have one cause that is none of
/// theirs: several do not begin to reserve too much at the same time.
const TOGETHER: usize = 3;

/// So many models of which no call at all is let in, where the account has a day quota of all its models: once that is
/// spent, whose use nobody can measure, every call of every model is refused.
const SHUT_OUT: usize = 2;

/// Minutes are the same if so many of those of both are. Few calls may be let in during a minute by chance, and a minute
/// may be published late.
const ALIKE: f64 = 0.8;

/// A model counts as shut out by this many minutes up to its newest refused one.
pub(crate) const NEWEST: i64 = 5;

/// The refusals of one pool, to be held against those of the others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Suspect {
    pub model: Option<Arc<str>>,
    /// By its own evidence.
    pub cause: Cause,
    /// Its newest settled refused minutes, and how many there were in a longer time: who is refused all the time has a
    /// cause of its own.
    pub minutes: Vec<Minute>,
    pub count: usize,
    /// The newest refused minute, settled or not, if no call was let in during the minutes up to it.
    pub shut_out: Option<Minute>,
}

/// For each pool how many models are refused with it for a reason that is none of theirs, so that its own limits explain
/// nothing; 0: its cause is its own.
pub(crate) fn together(suspects: &[Suspect], has_cross_model_day: bool) -> Vec<usize> {
    let number = |suspect: &Suspect| {
        if suspect.cause != Cause::Reservation {
            return 0;
        }
        let refused_alike = models(suspects, |other| is_refused_alike(suspect, other));
        let shut_out = models(suspects, |other| has_cross_model_day && is_shut_out_with(suspect, other));
        let alike = if refused_alike >= TOGETHER { refused_alike } else { 0 };
        alike.max(if shut_out >= SHUT_OUT { shut_out } else { 0 })
    };
    suspects.iter().map(number).collect()
}

/// The account's quota of the day's tokens of all models.
pub(crate) fn cross_model_day(list: &QuotaList) -> Option<&ServiceQuota> {
    let mut rows = list.quotas.iter().map(|row| &**row);
    rows.find(|row| matching::family(&row.name) == Family::CrossModelTokensPerDay)
}

pub(crate) fn has_cross_model_day(list: &QuotaList) -> bool {
    cross_model_day(list).is_some()
}

fn is_refused_alike(one: &Suspect, other: &Suspect) -> bool {
    let both = one.minutes.iter().filter(|minute| other.minutes.contains(minute)).count();
    let either = one.minutes.len() + other.minutes.len() - both;
    let (fewer, more) = (one.count.min(other.count), one.count.max(other.count));
    let is_alike = |part: usize, whole: usize| whole > 0 && part as f64 >= ALIKE * whole as f64;
    one.cause == other.cause && is_alike(both, either) && is_alike(fewer, more)
}

fn is_shut_out_with(one: &Suspect, other: &Suspect) -> bool {
    let newest = one.shut_out.zip(other.shut_out);
    newest.is_some_and(|(one, other)| (one.0 - other.0).abs() < NEWEST)
}

/// How many models of the pools are like that.
fn models(suspects: &[Suspect], is_such: impl Fn(&Suspect) -> bool) -> usize {
    let such = suspects.iter().filter(|suspect| is_such(suspect));
    such.filter_map(|suspect| suspect.model.as_ref()).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Minute = Minute(29_000_000);

    fn refused(model: &str, minutes: i64) -> Suspect {
        Suspect {
            model: Some(model.into()),
            cause: Cause::Reservation,
            minutes: FIRST.until(FIRST + minutes).collect(),
            count: minutes as usize,
            shut_out: None,
        }
    }

    fn shut_out(model: &str, newest: i64) -> Suspect {
        Suspect { shut_out: Some(FIRST + newest), ..refused(model, newest) }
    }

    #[test]
    fn models_that_are_refused_in_the_same_minutes_have_no_cause_of_their_own() {
        let three = [refused("a", 8), refused("b", 8), refused("c", 8)];
        assert_eq!(together(&three, false), [3, 3, 3]);
        assert_eq!(together(&three[..2], true), [0, 0], "two may be chance");
        let longer = [refused("a", 8), refused("b", 8), refused("c", 12), refused("d", 8)];
        assert_eq!(together(&longer, false), [3, 3, 0, 3], "one began before");
        let nearly = [refused("a", 14), refused("b", 13), refused("c", 15)];
        assert_eq!(together(&nearly, false), [3, 3, 3], "a minute more or less tells nothing");
        let since_long = Suspect { count: 60, ..refused("c", 8) };
        assert_eq!(together(&[refused("a", 8), refused("b", 8), since_long], false), [0, 0, 0]);
        let scopes = [refused("a", 8), refused("a", 8), refused("b", 8)];
        assert_eq!(together(&scopes, false), [0, 0, 0], "two scopes of a model are one caller");
        let own = Suspect { cause: Cause::RequestsPerMinute, ..refused("c", 8) };
        assert_eq!(together(&[refused("a", 8), refused("b", 8), own], false), [0, 0, 0]);
    }

    #[test]
    fn two_that_are_shut_out_at_once_may_have_spent_the_accounts_day() {
        let two = [shut_out("a", 8), shut_out("b", 12), refused("c", 8)];
        assert_eq!(together(&two, true), [2, 2, 0]);
        assert_eq!(together(&two, false), [0, 0, 0], "no such quota is listed");
        assert_eq!(together(&[shut_out("a", 8), shut_out("b", 13)], true), [0, 0], "one after the other");
        assert_eq!(together(&[shut_out("a", 8), shut_out("a", 8)], true), [0, 0], "one model in two scopes");
        let known = Suspect { cause: Cause::TokensPerDay, ..shut_out("b", 8) };
        assert_eq!(together(&[shut_out("a", 8), known], true), [2, 0]);
    }
}
