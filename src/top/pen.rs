//! What both screens are drawn with: styles, texts that fit, bars.

use super::answers::Place;
use crate::report::human::percent;
use crate::report::safe::printable;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

/// How things stand out, with colours or without.
#[derive(Clone, Copy)]
pub(super) struct Pen {
    pub(super) colour: bool,
}

impl Pen {
    fn of(self, colour: Color, modifier: Modifier) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new().add_modifier(modifier) }
    }

    pub(super) fn bad(self) -> Style {
        self.of(Color::Red, Modifier::BOLD)
    }

    pub(super) fn warn(self) -> Style {
        self.of(Color::Yellow, Modifier::BOLD)
    }

    pub(super) fn good(self) -> Style {
        self.of(Color::Green, Modifier::empty())
    }

    pub(super) fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// As full as that.
    pub(super) fn of_share(self, share: f64) -> Style {
        match share {
            share if share >= 0.9 => self.bad(),
            share if share >= 0.8 => self.warn(),
            _ => self.good(),
        }
    }
}

/// One line of text, shortened where it is too long; what could move the cursor is shown as its number.
pub(super) fn put(buffer: &mut Buffer, area: Rect, text: &str, style: Style) {
    if area.width > 0 && area.height > 0 {
        buffer.set_string(area.x, area.y, shortened(text, area.width), style);
    }
}

/// As `put`, at the right edge.
pub(super) fn put_right(buffer: &mut Buffer, area: Rect, text: &str, style: Style) {
    let text = shortened(text, area.width);
    let left = area.width.saturating_sub(width(&text));
    put(buffer, Rect { x: area.x + left, width: area.width - left, ..area }, &text, style);
}

pub(super) fn width(text: &str) -> u16 {
    u16::try_from(Span::raw(text).width()).unwrap_or(u16::MAX)
}

fn shortened(text: &str, most: u16) -> String {
    let mut text = printable(text).into_owned();
    if width(&text) > most {
        while width(&text) >= most && text.pop().is_some() {}
        text.push('…');
    }
    text
}

/// A bar of what is used now, and behind it of the peak; nothing where neither is known.
pub(super) fn put_bar(buffer: &mut Buffer, area: Rect, used: Option<f64>, peak: Option<f64>, style: Style) {
    if used.is_none() && peak.is_none() {
        return;
    }
    let cells = |share: Option<f64>| {
        let share = share.unwrap_or(0.0).clamp(0.0, 1.0);
        let least = usize::from(share > 0.0);
        ((share * f64::from(area.width)).round() as usize).max(least)
    };
    let (used, peak) = (cells(used), cells(peak));
    let rest = usize::from(area.width).saturating_sub(used.max(peak));
    let bar = "█".repeat(used) + &"▒".repeat(peak.saturating_sub(used)) + &"·".repeat(rest);
    put(buffer, area, &bar, style);
}

/// A share, or that it is not known.
pub(super) fn share(value: Option<f64>) -> String {
    match value {
        None => "unknown".to_string(),
        Some(share) if share >= 10.0 => ">999 %".to_string(),
        Some(share) => percent(share),
    }
}

/// `us-east-1 production`: where there is little room, the account's name is cut first.
pub(super) fn place(place: &Place) -> String {
    format!("{} {}", place.region, place.account_name)
}

/// A model as it fits: the provider's name goes first where there is little room.
pub(super) fn model(id: &str, room: u16) -> &str {
    match id.split_once('.') {
        Some((_, rest)) if width(id) > room => rest,
        _ => id,
    }
}

/// The API's words, short enough for a column.
pub(super) fn short(word: &str) -> &str {
    match word {
        "requests_per_minute" => "requests/min",
        "tokens_per_minute" => "tokens/min",
        "input_tokens_per_minute" => "input/min",
        "output_tokens_per_minute" => "output/min",
        "tokens_per_day" => "tokens/day",
        "concurrent_requests" => "concurrent",
        "async_concurrent_requests" => "async calls",
        "batch_jobs" => "batch jobs",
        "model_units" => "model units",
        "zero_quota" => "zero quota",
        "on_demand" => "on demand",
        "cross_region" => "cross-reg.",
        other => other,
    }
}
