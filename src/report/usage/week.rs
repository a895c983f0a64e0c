//! Calls by weekday and hour, as a heat map.

use crate::report::envelope;
use crate::report::human;
use crate::report::sheet::{Terminal, wrapped};
use serde_json::{Value, json};
use std::fmt::Write;

/// As wide as a weekday and a gap.
const DAY: &str = "     ";
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// From none to the busiest hour.
const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];
/// The same in the terminal's 256 colours, light enough for dark grounds and dark enough for light ones.
const COLOURS: [u8; 5] = [244, 73, 107, 172, 160];

/// Calls and the minutes they were made in, by weekday and hour.
pub(super) type Week = [[(f64, usize); 24]; 7];

/// Calls a minute.
fn rate((calls, minutes): (f64, usize)) -> Option<f64> {
    (minutes > 0).then(|| calls / minutes as f64)
}

/// One line for each weekday of the span; nothing without calls.
pub(super) fn render(week: &Week, terminal: Terminal) -> String {
    let busiest = week.iter().flatten().filter_map(|hour| rate(*hour)).reduce(f64::max);
    let Some(busiest) = busiest.filter(|busiest| *busiest > 0.0) else { return String::new() };
    let legend = format!("calls a minute by hour (UTC); {} {}", SHADES[4], human::rounded(busiest));
    let mut out = wrapped(&legend, terminal.width, 0);
    // Two hours and a gap; where not all of a day have room, parts of it one below the other.
    let most =
        [24, 12].into_iter().find(|hours| DAY.len() + hours / 2 * 3 <= terminal.width + 1).unwrap_or(6);
    for from in (0..24).step_by(most) {
        let hours = from..from + most;
        let numbers: String = hours.clone().step_by(2).map(|hour| format!("{hour:<3}")).collect();
        let _ = writeln!(out, "{DAY}{}", numbers.trim_end());
        for (day, week) in DAYS.iter().zip(week).filter(|(_, week)| week.iter().any(|hour| hour.1 > 0)) {
            let _ = write!(out, "{day}  ");
            for hour in hours.clone() {
                let cell = rate(week[hour]).map_or(" ".to_string(), |rate| shade(rate / busiest, terminal));
                out += &if hour % 2 == 1 { format!("{cell} ") } else { cell };
            }
            out.truncate(out.trim_end().len());
            out.push('\n');
        }
    }
    out
}

fn shade(share: f64, terminal: Terminal) -> String {
    let level = if share <= 0.0 { 0 } else { ((share * 4.0).ceil() as usize).clamp(1, 4) };
    let shade = SHADES[level];
    if terminal.colour { format!("\x1b[38;5;{}m{shade}\x1b[0m", COLOURS[level]) } else { shade.to_string() }
}

/// The hours that the span holds.
pub(super) fn json(week: &Week) -> Value {
    let hours = DAYS.iter().zip(week).flat_map(|(day, hours)| {
        hours.iter().enumerate().filter(|(_, (_, minutes))| *minutes > 0).map(
            move |(hour, (calls, minutes))| {
                json!({
                    "weekday": day,
                    "hour": hour,
                    "calls": envelope::number(Some(*calls)),
                    "minutes": minutes,
                })
            },
        )
    });
    hours.collect()
}
