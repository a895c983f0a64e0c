//! Noise that is the same on every run: hashes of what it is noise for.

/// FNV-1a over the parts, finished by [`mix`].
pub fn hash(parts: &[&str]) -> u64 {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            h = (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    mix(h)
}

/// One step of splitmix64.
pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A number in `0.0 .. 1.0` for a key and a moment.
pub fn unit(key: u64, moment: i64) -> f64 {
    (mix(key ^ mix(moment as u64)) >> 11) as f64 / (1u64 << 53) as f64
}
