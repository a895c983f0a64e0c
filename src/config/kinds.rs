//! What the text of each value may be.

use crate::exposition::QuotaExport;
use crate::model::arn::Arn;
use crate::model::ids::words;
use crate::model::organization::AccountState;
use crate::model::partition;

words! {
    /// How often ids are read.
    CadenceKind {
        /// By what happens on them.
        Adaptive = "adaptive",
        /// Each in every round.
        Fixed = "fixed",
    }
}

words! {
    /// A statistic of a latency metric.
    Statistic {
        P50 = "p50",
        P90 = "p90",
        P99 = "p99",
        Average = "average",
        Maximum = "maximum",
    }
}

/// What a text means, or what it should have been.
pub(crate) struct Kind<T> {
    /// Completes "expected …".
    pub expected: &'static str,
    pub parse: fn(&str) -> Option<T>,
}

pub(crate) const TEXT: Kind<String> =
    Kind { expected: "a text that is not empty", parse: |t| (!t.trim().is_empty()).then(|| t.into()) };

pub(crate) const SWITCH: Kind<bool> = Kind {
    expected: "true or false",
    parse: |t| match t {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    },
};

pub(crate) const REGION: Kind<String> =
    Kind { expected: "a region such as us-east-1", parse: |t| partition::is_region(t).then(|| t.into()) };

pub(crate) const ROLE_ARN: Kind<String> = Kind {
    expected: "the ARN of a role, such as arn:aws:iam::111122223333:role/bedrock-quota-exporter",
    parse: |t| role_account(t).map(|_| t.into()),
};

/// IAM's characters; with a path where the role has one.
pub(crate) const ROLE_NAME: Kind<String> = Kind {
    expected: "the name of a role, such as bedrock-quota-exporter",
    parse: |t| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&b);
        (!t.is_empty() && !t.starts_with('/') && !t.ends_with('/') && t.bytes().all(fits)).then(|| t.into())
    },
};

pub(crate) const SESSION_NAME: Kind<String> = Kind {
    expected: "2 to 64 letters, digits or any of _+=,.@- as the name of a session",
    parse: |t| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
        ((2..=64).contains(&t.len()) && t.bytes().all(fits)).then(|| t.into())
    },
};

/// STS's own bounds; more than an hour only where the role allows it, and never from another role's session.
pub(crate) const SESSION_DURATION: Kind<u64> =
    Kind { expected: "a duration from 15m to 12h, such as 1h", parse: |t| duration(t, 900..=43_200) };

pub(crate) const ACCOUNT_ID: Kind<String> =
    Kind { expected: "the 12 digits of an account id", parse: |t| is_account_id(t).then(|| t.into()) };

pub(crate) const UNIT: Kind<String> = Kind {
    expected: "the id of an organizational unit such as ou-ab12-34cd56ef, or of a root such as r-ab12",
    parse: |t| is_unit(t).then(|| t.into()),
};

/// As AWS makes them; a name is no id, and not unique.
pub(crate) const PROJECT_ID: Kind<String> = Kind {
    expected: "the id of a project such as proj_abc123, or default",
    parse: |t| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        let generated =
            t.strip_prefix("proj_").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(fits));
        (t == "default" || generated).then(|| t.into())
    },
};

pub(crate) const ACCOUNT_STATE: Kind<AccountState> = Kind {
    expected: "PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE or CLOSED",
    parse: AccountState::from_word,
};

pub(crate) const QUOTA_CODE: Kind<String> =
    Kind { expected: "a quota code such as L-254CACF4", parse: |t| is_quota_code(t).then(|| t.into()) };

pub(crate) const QUOTA_CODE_OR_NONE: Kind<Option<String>> =
    Kind { expected: "a quota code such as L-254CACF4, or none", parse: |t| or_none(t, is_quota_code) };

pub(crate) const MODEL: Kind<String> = Kind {
    expected: "a base model id such as amazon.nova-pro-v1:0",
    parse: |t| is_model(t).then(|| t.into()),
};

/// Profiles and deployments have ids of one word.
pub(crate) const INVOCATION_ID: Kind<String> = Kind {
    expected: "an invocation id as CloudWatch spells it, such as us.amazon.nova-pro-v1:0",
    parse: |t| (!t.is_empty() && !t.contains(char::is_whitespace)).then(|| t.into()),
};

pub(crate) const MODEL_OR_NONE: Kind<Option<String>> = Kind {
    expected: "a base model id such as amazon.nova-pro-v1:0, or none",
    parse: |t| or_none(t, is_model),
};

pub(crate) const URL: Kind<String> = Kind {
    expected: "a URL of http or https without user, query or fragment, such as http://127.0.0.1:10470",
    parse: |t| is_url(t).then(|| t.into()),
};

pub(crate) const QUOTA_EXPORT: Kind<QuotaExport> =
    Kind { expected: "all or in_use", parse: QuotaExport::from_word };

pub(crate) const STATISTIC: Kind<Statistic> =
    Kind { expected: "p50, p90, p99, average or maximum", parse: Statistic::from_word };

pub(crate) const CADENCE: Kind<CadenceKind> =
    Kind { expected: "adaptive or fixed", parse: CadenceKind::from_word };

pub(crate) const DOLLARS: Kind<f64> =
    Kind { expected: "US dollars above 0 and up to 1000000, such as 2.5", parse: |t| number(t, 1e6) };

/// More than 10 times a limit is a slip: 90 for 0.9.
pub(crate) const THRESHOLD: Kind<f64> =
    Kind { expected: "a ratio above 0 and up to 10, such as 0.9", parse: |t| number(t, 10.0) };

pub(crate) const FACTOR: Kind<f64> =
    Kind { expected: "a number above 0 and up to 1000, such as 5", parse: |t| number(t, 1000.0) };

pub(crate) const ATTEMPTS: Kind<u32> = Kind {
    expected: "a whole number from 1 to 10",
    parse: |t| t.parse().ok().filter(|n| (1..=10).contains(n)),
};

/// Below 10 s a round cannot be relied on to end before the next begins.
pub(crate) const INTERVAL: Kind<u64> = Kind {
    expected: "a duration from 10s to 1d, such as 90s, 15m or 1h30m",
    parse: |t| duration(t, 10..=86_400),
};

/// AWS Organizations allows few calls a second, of all who ask it together.
pub(crate) const DISCOVERY_INTERVAL: Kind<u64> =
    Kind { expected: "a duration from 10s to 1d, such as 15m or 1h", parse: |t| duration(t, 10..=86_400) };

pub(crate) const SCRAPE_INTERVAL: Kind<u64> =
    Kind { expected: "a duration from 1s to 1h, such as 15s or 1m", parse: |t| duration(t, 1..=3600) };

/// CloudWatch keeps one-minute data for 15 days.
pub(crate) const AGE: Kind<u64> = Kind {
    expected: "a duration from 1m to 15d, such as 15m or 24h",
    parse: |t| duration(t, 60..=15 * 86_400),
};

pub(crate) const DELAY: Kind<u64> =
    Kind { expected: "a duration from 1m to 1h, such as 120s or 2m", parse: |t| duration(t, 60..=3600) };

pub(crate) const LOOKBACK: Kind<u64> = Kind {
    expected: "whole minutes from 1m to 3h, such as 15m",
    parse: |t| duration(t, 60..=3 * 3600).filter(|seconds| seconds % 60 == 0),
};

pub(crate) const TIMEOUT: Kind<u64> =
    Kind { expected: "a duration from 1s to 5m, such as 5s or 1m", parse: |t| duration(t, 1..=300) };

/// The account id in the ARN of a role.
pub(crate) fn role_account(arn: &str) -> Option<&str> {
    let arn = Arn::parse(arn)?;
    let well_formed = partition::is_known(arn.partition)
        && (arn.service, arn.region, arn.kind()) == ("iam", "", "role")
        && is_account_id(arn.account)
        && (ROLE_NAME.parse)(arn.id()).is_some();
    well_formed.then_some(arn.account)
}

pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_model(text: &str) -> bool {
    text.contains('.') && !text.contains(char::is_whitespace)
}

fn is_unit(text: &str) -> bool {
    let is_part = |part: &str, least: usize| {
        (least..=32).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
    };
    match text.split('-').collect::<Vec<_>>()[..] {
        ["r", root] => is_part(root, 4),
        ["ou", root, unit] => is_part(root, 4) && is_part(unit, 8),
        _ => false,
    }
}

fn is_quota_code(text: &str) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
    text.strip_prefix("L-").is_some_and(|digits| digits.len() == 8 && digits.bytes().all(digit))
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest.filter(|r| !r.contains(|c: char| c.is_whitespace() || "?#@".contains(c))) else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let port_at = authority.rfind(':').filter(|at| authority.rfind(']').is_none_or(|end| *at > end));
    let (host, port) = port_at.map_or((authority, None), |at| (&authority[..at], Some(&authority[at + 1..])));
    !host.is_empty() && port.is_none_or(|p| p.parse::<u16>().is_ok())
}

fn or_none(text: &str, well_formed: fn(&str) -> bool) -> Option<Option<String>> {
    match text {
        "none" => Some(None),
        _ => well_formed(text).then(|| Some(text.into())),
    }
}

fn number(text: &str, most: f64) -> Option<f64> {
    text.parse().ok().filter(|n| *n > 0.0 && *n <= most)
}

/// `90s`, `15m`, `1h30m`, `2d` in seconds.
pub(crate) fn duration(text: &str, allowed: std::ops::RangeInclusive<u64>) -> Option<u64> {
    let mut rest = text;
    let mut seconds = 0u64;
    for (unit, length) in [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)] {
        if let Some((digits, after)) = rest.split_once(unit) {
            if !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            seconds = digits.parse::<u64>().ok()?.checked_mul(length)?.checked_add(seconds)?;
            rest = after;
        }
    }
    (rest.is_empty() && !text.is_empty() && allowed.contains(&seconds)).then_some(seconds)
}

/// Seconds as a config would say them.
pub(crate) fn duration_text(seconds: u64) -> String {
    match [(86_400, 'd'), (3600, 'h'), (60, 'm')].iter().find(|(length, _)| seconds.is_multiple_of(*length)) {
        Some((length, unit)) if seconds > 0 => format!("{}{unit}", seconds / length),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let any = |text: &str| duration(text, 0..=u64::MAX);
        let good = [("90s", 90), ("15m", 900), ("1h30m", 5400), ("1d", 86_400), ("2d1s", 172_801), ("0s", 0)];
        for (text, seconds) in good {
            assert_eq!(any(text), Some(seconds), "{text}");
        }
        for bad in [
            "",
            "60",
            "s",
            "1.5h",
            "-1s",
            "+1s",
            "1m1h",
            "1m 1s",
            "5 m",
            "1ms",
            "1m1m",
            "999999999999999999999d",
        ] {
            assert_eq!(any(bad), None, "{bad}");
        }
        for text in ["45s", "15m", "24h", "90m", "1d", "0s"] {
            let seconds = any(text).unwrap();
            assert_eq!(any(&duration_text(seconds)), Some(seconds), "{text}");
        }
        assert_eq!(duration_text(5400), "90m");
    }

    #[test]
    fn urls() {
        for good in
            ["http://localhost:4566", "https://vpce-1.example.org/", "http://[::1]:80", "http://[::1]/x"]
        {
            assert!(is_url(good), "{good}");
        }
        let bad = [
            "",
            "localhost:80",
            "http://",
            "http://:80",
            "http://a:b",
            "http://a:70000",
            "http://u@a",
            "ftp://a",
        ];
        for bad in bad {
            assert!(!is_url(bad), "{bad}");
        }
    }

    #[test]
    fn role_arns_of_every_partition() {
        assert_eq!(role_account("arn:aws:iam::111122223333:role/path/reader"), Some("111122223333"));
        assert_eq!(role_account("arn:aws-us-gov:iam::111122223333:role/r"), Some("111122223333"));
        for bad in [
            "",
            "111122223333",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:sts::111122223333:role/r",
            "arn:aws-moon:iam::111122223333:role/r",
            "arn:aws:iam::111122223333:role/a b",
            "arn:aws:iam::111122223333:role/r\u{200b}",
            "arn:aws:iam::111122223333:role/r*",
        ] {
            assert_eq!(role_account(bad), None, "{bad}");
        }
    }
}
