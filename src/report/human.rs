//! Numbers, shares, durations and times as a person reads them.

use crate::model::time::Timestamp;

/// At most this many digits are told of a number that need not be exact.
const DIGITS: i32 = 3;

/// The number exactly, as short as that goes: `6M`, `2.5M`, `800k`, `1,234,567`, `0.1`.
pub fn exact(value: f64) -> String {
    for (unit, name) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        let scaled = value / unit;
        if scaled.abs() >= 1.0 && (scaled * 100.0).fract() == 0.0 {
            return format!("{scaled}{name}");
        }
    }
    grouped(value)
}

/// The number to three digits: `5.96M`, `812k`, `42`.
pub fn rounded(value: f64) -> String {
    for (unit, name) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        // What would round up to 1000 of the smaller unit is one of this.
        if value.abs() >= unit * 0.9995 {
            return format!("{}{name}", to_digits(value / unit));
        }
    }
    to_digits(value)
}

fn to_digits(value: f64) -> String {
    let whole = if value == 0.0 { 1 } else { value.abs().log10().floor() as i32 + 1 };
    let decimals = (DIGITS - whole).clamp(0, 3) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// The number with all its digits, in threes.
pub fn grouped(value: f64) -> String {
    let text = value.to_string();
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |text| ("-", text));
    let (whole, rest) = text.find('.').map_or((text, ""), |dot| text.split_at(dot));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

/// A share in per cent: `92 %`, `3.4 %`, `0 %`; what is more than nothing never shows as nothing.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p > 0.0 && p < 0.1 => "<0.1 %".to_string(),
        p if p.abs() < 10.0 && p != 0.0 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// A length of time: `15d`, `6h`, `90m`, `45s`.
pub fn duration(seconds: u64) -> String {
    for (unit, name) in [(86_400, "d"), (3600, "h"), (60, "m")] {
        if seconds >= unit && seconds.is_multiple_of(unit) {
            return format!("{}{name}", seconds / unit);
        }
    }
    about(seconds)
}

/// A length of time, roughly, as for an age: `5d`, `3h`, `22m`, `45s`.
pub fn about(seconds: u64) -> String {
    match seconds {
        s if s >= 172_800 => format!("{}d", s / 86_400),
        s if s >= 7200 => format!("{}h", s / 3600),
        s if s >= 120 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// `2026-11-26 09:41 UTC`.
pub fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match text.get(..16) {
        Some(minute) => format!("{} UTC", minute.replace('T', " ")),
        None => text,
    }
}

/// `2026-11-26`.
pub fn date(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..10).map_or(text.clone(), String::from)
}

/// `1 minute`, `2 minutes`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {one}s", grouped(number as f64)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact_or_short_and_round() {
        for (value, shown) in [
            (6e6, "6M"),
            (2.5e6, "2.5M"),
            (800e3, "800k"),
            (1_234_567.0, "1,234,567"),
            (1000.0, "1k"),
            (999.0, "999"),
            (0.1, "0.1"),
            (0.0, "0"),
            (1e10, "10G"),
            (12_345.5, "12,345.5"),
            (-1500.0, "-1.5k"),
        ] {
            assert_eq!(exact(value), shown, "{value}");
        }
        for (value, shown) in [
            (5_957_000.0, "5.96M"),
            (812_345.0, "812k"),
            (42.0, "42"),
            (42.123, "42.1"),
            (999.7, "1k"),
            (999_700.0, "1M"),
            (0.0, "0"),
            (0.0123, "0.012"),
            (1234.0, "1.23k"),
            (100.0, "100"),
        ] {
            assert_eq!(rounded(value), shown, "{value}");
        }
    }

    #[test]
    fn shares_lengths_and_times() {
        for (share, shown) in
            [(0.923, "92 %"), (0.034, "3.4 %"), (0.0, "0 %"), (0.0001, "<0.1 %"), (1.5, "150 %")]
        {
            assert_eq!(percent(share), shown);
        }
        for (seconds, shown) in
            [(1_296_000, "15d"), (21_600, "6h"), (5400, "90m"), (45, "45s"), (100_000, "27h"), (0, "0s")]
        {
            assert_eq!(duration(seconds), shown);
        }
        assert_eq!((about(604_860), about(86_400), about(7_380)), ("7d".into(), "24h".into(), "2h".into()));
        let at = Timestamp(1_795_686_073);
        assert_eq!((minute(at), date(at)), ("2026-11-26 09:41 UTC".to_string(), "2026-11-26".to_string()));
    }
}
