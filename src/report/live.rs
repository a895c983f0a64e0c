//! What `check --live` found out, as a table: who the credentials are, by which way AWS was reached, what is allowed.

use std::fmt::Write;

/// One entry of the config, or one account that AWS told of.
pub struct LiveAccount {
    /// The entry, in the config's words.
    pub who: String,
    /// The account and the ARN of the credentials, and where STS was asked; or why nobody knows.
    pub identity: Result<LiveIdentity, String>,
    pub checks: Vec<LiveCheck>,
}

pub struct LiveIdentity {
    pub account: String,
    pub arn: String,
    pub sts: String,
}

/// One permission where it was tried.
pub struct LiveCheck {
    /// The region; the service's own where it has no regions.
    pub region: String,
    pub permission: &'static str,
    /// Host and route of the call, where one was sent.
    pub way: Option<String>,
    /// `None`: it is allowed.
    pub failure: Option<String>,
    /// What is missing without it.
    pub cost: &'static str,
}

/// The table of all accounts, and a last line that counts.
pub fn render(accounts: &[LiveAccount]) -> String {
    let mut text = "\nLive:\n".to_string();
    for account in accounts {
        let _ = writeln!(text, "  {}", account.who);
        match &account.identity {
            Ok(LiveIdentity { account, arn, sts }) => {
                let _ = writeln!(text, "    identity  account {account}, {arn}\n    sts       {sts}");
            }
            Err(why) => {
                let _ = writeln!(text, "    identity  unknown: {why}");
            }
        }
        for region in regions(account) {
            render_region(&mut text, region, account);
        }
    }
    let (all, failed) =
        (checks(accounts).count(), checks(accounts).filter(|check| check.failure.is_some()).count());
    let unknown = accounts.iter().filter(|account| account.identity.is_err()).count();
    let _ = writeln!(text, "{} of {all} permissions tried are there.", all - failed);
    if unknown > 0 {
        let _ = writeln!(text, "Nothing was tried of {unknown} of {} accounts.", accounts.len());
    }
    text
}

fn render_region(text: &mut String, region: &str, account: &LiveAccount) {
    let _ = writeln!(text, "    {region}");
    let here = || account.checks.iter().filter(|check| check.region == region);
    let mut ways: Vec<&str> = here().filter_map(|check| check.way.as_deref()).collect();
    ways.dedup();
    for way in ways {
        let _ = writeln!(text, "      by {way}");
    }
    for LiveCheck { permission, failure, cost, .. } in here() {
        match failure {
            None => {
                let _ = writeln!(text, "      {permission:<52} allowed");
            }
            Some(why) => {
                let _ = writeln!(text, "      {permission:<52} FAILED   costs: {cost}\n        {why}");
            }
        }
    }
}

fn regions(account: &LiveAccount) -> Vec<&str> {
    let mut regions: Vec<&str> = account.checks.iter().map(|check| check.region.as_str()).collect();
    regions.dedup();
    regions
}

fn checks(accounts: &[LiveAccount]) -> impl Iterator<Item = &LiveCheck> {
    accounts.iter().flat_map(|account| &account.checks)
}

/// How much is not as it should be: accounts that nobody knows, and permissions that are missing.
pub fn failures(accounts: &[LiveAccount]) -> usize {
    let unknown = accounts.iter().filter(|account| account.identity.is_err()).count();
    unknown + checks(accounts).filter(|check| check.failure.is_some()).count()
}
