//! Who must be heard of before there is enough to be shown.

use super::ids::Target;

/// Targets of which something must have been read before there is enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Awaited {
    /// Whose they are, where their account is not known: `the account of profile research`.
    pub who: String,
    pub targets: Vec<Target>,
}

impl Awaited {
    /// The account, as far as it is known.
    pub fn name(&self) -> String {
        match self.targets.first() {
            Some(target) if !target.account_id.is_empty() => format!("account {}", target.account_id),
            Some(target) if !target.region.is_empty() => format!("{} in {}", self.who, target.region),
            _ => self.who.clone(),
        }
    }
}
