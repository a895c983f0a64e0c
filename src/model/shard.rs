//! One exporter's slice of the accounts, where several share them.

use std::fmt;

/// Slice `number`, counted from 0, of `of` slices.
///
/// Whole accounts, not targets: `quotas.export: in_use` looks at every region of an account, so only
/// then do the slices together publish exactly what one exporter would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    of: u32,
}

impl Default for Shard {
    /// Everything.
    fn default() -> Shard {
        Shard { number: 0, of: 1 }
    }
}

impl Shard {
    /// `None` unless `number` is below `of`.
    pub fn new(number: u32, of: u32) -> Option<Shard> {
        (number < of).then_some(Shard { number, of })
    }

    /// Counted from 0.
    pub fn number(self) -> u32 {
        self.number
    }

    /// How many slices there are.
    pub fn total(self) -> u32 {
        self.of
    }

    /// Whether the account is in this slice. The same account is always in the same one of `of` slices,
    /// and one slice more takes only its own share from the others.
    pub fn owns(self, account_id: &str) -> bool {
        jump(hash(account_id), self.of) == self.number
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// The same in every build and on every machine: FNV-1a, then mixed, for texts that differ in one letter.
pub(crate) fn hash(text: &str) -> u64 {
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// Jump consistent hash (Lamping and Veach, 2014).
fn jump(mut key: u64, of: u32) -> u32 {
    let (mut slice, mut next) = (0, 0);
    while next < u64::from(of) {
        slice = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        next = ((slice + 1) as f64 * ((1_u64 << 31) as f64 / ((key >> 33) + 1) as f64)) as u64;
    }
    slice as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> impl Iterator<Item = String> {
        (0..1000).map(|n| format!("{:012}", 111_122_223_333_u64 + n * 7))
    }

    fn slice(account: &str, of: u32) -> u32 {
        let owners = (0..of).filter(|&number| Shard::new(number, of).unwrap().owns(account));
        let owners: Vec<u32> = owners.collect();
        assert_eq!(owners.len(), 1, "{account}: exactly one of {of}");
        owners[0]
    }

    #[test]
    fn every_account_is_in_exactly_one_slice_of_fair_size() {
        for of in [1, 2, 3, 7, 20] {
            let mut sizes = vec![0_u32; of as usize];
            accounts().for_each(|account| sizes[slice(&account, of) as usize] += 1);
            let fair = 1000.0 / f64::from(of);
            let skewed = sizes.iter().find(|&&size| (f64::from(size) / fair - 1.0).abs() > 0.5);
            assert_eq!(skewed, None, "{sizes:?}");
        }
    }

    #[test]
    fn one_slice_more_moves_accounts_to_the_new_one_only() {
        let moved: Vec<_> =
            accounts().map(|a| (slice(&a, 4), slice(&a, 5))).filter(|(old, new)| old != new).collect();
        assert!(moved.iter().all(|(_, new)| *new == 4), "{moved:?}");
        assert!((150..250).contains(&moved.len()), "{}", moved.len());
    }

    /// A changed hash would move accounts between running exporters during an upgrade.
    #[test]
    fn slices_are_the_same_in_every_version() {
        let slices: Vec<u32> = accounts().take(12).map(|account| slice(&account, 3)).collect();
        assert_eq!(slices, [0, 0, 2, 1, 0, 2, 2, 1, 2, 2, 1, 0]);
    }

    #[test]
    fn there_is_no_slice_beyond_the_last() {
        assert_eq!(Shard::new(3, 3), None);
        assert_eq!(Shard::new(0, 0), None);
        assert_eq!(Shard::new(2, 3).unwrap().to_string(), "2/3");
    }
}
