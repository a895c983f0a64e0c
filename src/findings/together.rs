//! Models that are refused together: one cause, which is none of theirs.

use super::case::Case;
use crate::model::evaluation::Cause;
use crate::model::time::Minute;

/// So many models that are refused together, each far below its limits, have one cause that is none of theirs.
const TOGETHER: usize = 3;

/// Takes back the cause of models that were refused in the same minutes: several do not begin to reserve too
/// much at the same time.
pub(super) fn doubt_reservations(cases: &mut [Case]) {
    let minutes =
        |case: &Case| -> Vec<Minute> { case.minutes.iter().map(|instant| instant.minute).collect() };
    let reserved = cases.iter().filter(|case| case.cause == Cause::Reservation);
    let all: Vec<(Vec<Minute>, usize)> = reserved.map(|case| (minutes(case), case.refused_minutes)).collect();
    for case in cases.iter_mut().filter(|case| case.cause == Cause::Reservation) {
        let own = (minutes(case), case.refused_minutes);
        // Also as long: who is refused all the time has a cause of its own.
        let together = all.iter().filter(|other| **other == own).count();
        if together >= TOGETHER && !own.0.is_empty() {
            (case.cause, case.together) = (Cause::Unknown, together);
        }
    }
}
