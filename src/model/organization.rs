//! Accounts of an AWS organization, and which of them are watched.

use super::ids::words;
use std::collections::BTreeMap;

words! {
    /// What an account's life has come to, in AWS's words. Only an active account answers calls.
    AccountState {
        PendingActivation = "PENDING_ACTIVATION",
        Active = "ACTIVE",
        Suspended = "SUSPENDED",
        PendingClosure = "PENDING_CLOSURE",
        Closed = "CLOSED",
    }
}

/// An account as AWS Organizations lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// 12 digits.
    pub id: String,
    pub name: Option<String>,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// `None`: a state that is not known here.
    pub state: Option<AccountState>,
}

/// Which accounts of an organization are watched: those that everything here lets in.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Organizational units or a root; an account lies anywhere below one of them. Empty: anywhere.
    pub ous: Vec<String>,
    /// Each key with its value.
    pub tags: BTreeMap<String, String>,
    /// Names, in which `*` stands for any text. Empty: any name.
    pub names: Vec<String>,
    pub states: Vec<AccountState>,
    /// Account ids that are left out.
    pub exclude: Vec<String>,
}

impl Filter {
    /// Whether the account is let in, its units and tags aside: those are asked of AWS.
    pub fn takes(&self, member: &Member) -> bool {
        let name = member.name.as_deref().unwrap_or("");
        (self.names.is_empty() || self.names.iter().any(|pattern| matches(pattern, name)))
            && member.state.is_some_and(|state| self.states.contains(&state))
            && !self.exclude.contains(&member.id)
    }
}

/// Whether a text fits a pattern, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    (0..=text.len()).filter(|&at| text.is_char_boundary(at)).any(|at| matches(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, state: Option<AccountState>) -> Member {
        Member { id: "111122223333".into(), name: Some(name.into()), partition: "aws".into(), state }
    }

    fn filter(names: &[&str]) -> Filter {
        Filter {
            ous: Vec::new(),
            tags: BTreeMap::new(),
            names: names.iter().map(|name| name.to_string()).collect(),
            states: vec![AccountState::Active],
            exclude: Vec::new(),
        }
    }

    #[test]
    fn names_fit_whole_patterns() {
        let takes =
            |pattern: &str, name: &str| filter(&[pattern]).takes(&member(name, Some(AccountState::Active)));
        for (pattern, name) in [
            ("prod", "prod"),
            ("prod-*", "prod-a"),
            ("*-prod", "a-prod"),
            ("*", ""),
            ("a*c*e", "abcde"),
            ("*ü", "ü"),
        ] {
            assert!(takes(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("prod", "prod-a"), ("prod-*", "a-prod-b"), ("a*b", "ab "), ("Prod", "prod"), ("a*c*e", "abcd")]
        {
            assert!(!takes(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_not_known_to_be_wanted_is_left_out() {
        let any = filter(&[]);
        assert!(any.takes(&member("x", Some(AccountState::Active))));
        assert!(!any.takes(&member("x", Some(AccountState::Suspended))));
        assert!(!any.takes(&member("x", None)), "a state that AWS invents later");
        let without = Filter { exclude: vec!["111122223333".into()], ..any };
        assert!(!without.takes(&member("x", Some(AccountState::Active))));
    }
}
