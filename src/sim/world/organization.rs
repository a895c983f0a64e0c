//! The organization: a tree of units with accounts in it.

use std::collections::BTreeMap;

/// An organization of accounts: a tree of units below one root.
#[derive(Clone, Debug, Default)]
pub struct Organization {
    /// The account that owns it.
    pub management: String,
    /// Further accounts that may read it.
    pub delegated: Vec<String>,
    /// The root's id, such as `r-demo`.
    pub root: String,
    pub units: Vec<Unit>,
    pub members: Vec<Member>,
}

/// An organizational unit.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// For example `ou-demo-workload`.
    pub id: String,
    pub name: String,
    /// The unit or root above.
    pub parent: String,
}

/// An account of an organization, whether or not the world has it.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: String,
    pub name: String,
    /// The unit or root that it lies in.
    pub unit: String,
    /// `ACTIVE`, `SUSPENDED`, …
    pub state: String,
    pub tags: BTreeMap<String, String>,
    /// From when until before when it is a member, in seconds.
    pub joined: i64,
    pub left: i64,
}

impl Member {
    /// An active member, at all times.
    pub fn new(id: &str, name: &str, unit: &str) -> Member {
        Member {
            id: id.into(),
            name: name.into(),
            unit: unit.into(),
            state: "ACTIVE".into(),
            tags: BTreeMap::new(),
            joined: i64::MIN,
            left: i64::MAX,
        }
    }
}
