//! The decision table: for each cause what shows it, what it means and what helps. docs/THROTTLING.md is made
//! from it.

use crate::model::evaluation::Cause;
use std::fmt::Write;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    pub cause: Cause,
    /// In a few words, for a heading.
    pub title: &'static str,
    /// By which evidence it is named.
    pub evidence: &'static str,
    pub meaning: &'static str,
    /// What helps, the cheapest first.
    pub remedies: &'static [&'static str],
    /// What does not help, though it looks as if it did.
    pub useless: &'static str,
}

/// In the order in which they are looked for: the first whose evidence is there is named.
pub const TABLE: &[Row] = &[
    Row {
        cause: Cause::ZeroQuota,
        title: "a limit of 0",
        evidence: "A limit that the calls spend is 0.",
        meaning: "The account may not call this model in this scope at all; new accounts often may not.",
        remedies: &["Ask for more.", "Call another scope or region whose limit is above 0."],
        useless: "Retrying, spreading, a lower max_tokens.",
    },
    Row {
        cause: Cause::RequestsPerMinute,
        title: "too many requests a minute",
        evidence: "Most refused minutes lie at 90 % or more of the requests per minute, and no fewer than at the \
                   tokens per minute.",
        meaning: "The number of calls is what is short, not tokens.",
        remedies: &[
            "Spread calls over minutes with room.",
            "Put several small calls into one.",
            "Call another scope or region with room.",
            "Ask for more.",
        ],
        useless: "A lower max_tokens, prompt caching.",
    },
    Row {
        cause: Cause::TokensPerMinute,
        title: "too many tokens a minute",
        evidence: "Most refused minutes lie at 90 % or more of the tokens per minute.",
        meaning: "Settled use alone fills the limit: input, cache writes, and output at the model's burndown.",
        remedies: &[
            "Cache what prompts have in common: cache reads do not count.",
            "Shorten answers: output counts by the burndown.",
            "Spread calls over minutes with room.",
            "Call another scope or region with room.",
            "Ask for more.",
        ],
        useless: "Fewer calls with the same tokens.",
    },
    Row {
        cause: Cause::TokensPerDay,
        title: "the day's tokens are spent",
        evidence: "Most refused minutes lie at 99 % or more of a day's tokens.",
        meaning: "Nothing is let through until the day ends. Whether AWS's day is the UTC day is not documented.",
        remedies: &["Wait for the day to end.", "Call a scope with a day quota of its own.", "Ask for more."],
        useless: "Retrying, spreading over minutes.",
    },
    Row {
        cause: Cause::Capacity,
        title: "AWS was short of capacity",
        evidence: "More calls failed with 5xx than were refused, and no limit was reached.",
        meaning: "AWS had no room for the call; no limit of the account had to do with it.",
        remedies: &[
            "Retry with growing pauses; honour Retry-After.",
            "Call across regions, or another region.",
            "Buy provisioned throughput or the reserved tier where it must not happen.",
        ],
        useless: "Asking for more: a limit is no promise of capacity.",
    },
    Row {
        cause: Cause::Reservation,
        title: "max_tokens is reserved",
        evidence: "Every refused minute lies below 80 % of every limit, there is a limit of tokens, and other models are \
                   not refused together with this one.",
        meaning: "When a call is admitted, its input and all of max_tokens count; what was not used is given back \
                  only when it ends. CloudWatch shows what was settled, never what was reserved.",
        remedies: &[
            "Lower max_tokens to what answers need.",
            "Spread calls over minutes with room.",
            "Ask for more.",
        ],
        useless: "Fewer or shorter answers alone: what is reserved is max_tokens, not what is used.",
    },
    Row {
        cause: Cause::Unknown,
        title: "the cause is not known",
        evidence: "Fewer than five refused minutes, or limits or usage that are not known, or use between 80 and \
                   90 % of a limit; or models that are refused together, each far below its limits: three in the same \
                   minutes, or two of which no call is let in where the account has a Cross-Model Max Tokens Per Day.",
        meaning: "The evidence does not tell. No cause is named rather than a likely one.",
        remedies: &["Read the error's text: `diagnose --error TEXT`.", "Read a longer span: `--since 15d`."],
        useless: "Guessing.",
    },
];

/// The row of a cause.
pub fn row(cause: Cause) -> &'static Row {
    // Every cause has its row: a test looks.
    TABLE.iter().find(|row| row.cause == cause).unwrap_or(&TABLE[TABLE.len() - 1])
}

/// docs/THROTTLING.md.
pub fn document() -> String {
    let mut out = "\
# Why calls are refused, and what helps

Made from the table that `diagnose`, the report and the daemon's `bedrock_throttle_cause` use; a test holds them
together. The causes stand in the order in which they are looked for: the first whose evidence is there is named.
Evidence are settled minutes, at least five, in which calls were refused. A cause that is not certain is `unknown`.
"
    .to_string();
    for row in TABLE {
        let _ = write!(
            out,
            "\n## `{}`: {}\n\n**Evidence.** {}\n\n**Meaning.** {}\n\n**What helps.**\n\n",
            row.cause, row.title, row.evidence, row.meaning
        );
        for (number, remedy) in row.remedies.iter().enumerate() {
            let _ = writeln!(out, "{}. {remedy}", number + 1);
        }
        let _ = write!(out, "\n**What does not.** {}\n", row.useless);
    }
    out += "\n## What errors say\n\n\
            Types decide, texts are no contract: AWS changes them. `diagnose --error TEXT` reads a message by this \
            table; what is not in it stays unknown.\n\n\
            | message holds | type | it means | and not |\n| --- | --- | --- | --- |\n";
    for message in super::message::TABLE {
        let _ =
            writeln!(out, "| {} | {} | {} | {} |", message.shown, message.kind, message.meaning, message.not);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::evaluate::throttling::{self, Evidence, Refused, Share};

    #[test]
    fn every_cause_has_its_row() {
        for cause in Cause::ALL {
            assert_eq!(row(*cause).cause, *cause);
        }
    }

    /// Evidence of two causes at once.
    fn both(a: Cause, b: Cause) -> Evidence {
        let has = |cause| [a, b].contains(&cause);
        let share = |cause, full: f64| Share::Of(if has(cause) { full } else { 0.3 });
        let minute = || Refused {
            requests: share(Cause::RequestsPerMinute, 0.95),
            tokens: share(Cause::TokensPerMinute, 0.95),
            day: share(Cause::TokensPerDay, 0.995),
            other: Share::NoLimit,
        };
        Evidence {
            refused: (0..5).map(|_| minute()).collect(),
            throttles: 5.0,
            server_errors: if has(Cause::Capacity) { 50.0 } else { 0.0 },
            zero_quota: has(Cause::ZeroQuota),
            limits_confirmed: true,
        }
    }

    #[test]
    fn the_rows_stand_in_the_order_in_which_causes_are_looked_for() {
        for pair in TABLE.windows(2) {
            let (first, second) = (pair[0].cause, pair[1].cause);
            if second != Cause::Unknown {
                assert_eq!(throttling::cause(&both(first, second)), first, "{first} before {second}");
            }
        }
    }
}
