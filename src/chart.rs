//! Pictures of usage: SVG without script, readable on light and dark grounds, for a file and for the report.

mod columns;
mod frame;
mod panel;
mod scale;
mod steps;
mod svg;

pub use columns::{Columns, WIDTH};
pub use frame::STYLE;
pub use panel::{Asked, Calls, Line, Panel};
pub use steps::steps;

use crate::model::matching::QuotaKey;
use crate::model::time::{Minute, Timestamp};
use crate::picture::survey::Survey;
use crate::report::human;
use crate::report::safe::Escaped;
use crate::report::usage::ModelUsage;
use frame::{HEAD, frame};
use std::cmp::Reverse;
use std::fmt::Write;

/// A whole picture: a heading, and a panel for each model.
pub fn picture(title: &str, columns: Columns, panels: &[Panel]) -> String {
    let mut top = HEAD;
    let height = top + panels.iter().map(Panel::height).sum::<f64>() + 8.0;
    let mut out = frame(title, height);
    for panel in panels {
        let _ = write!(out, "<g transform=\"translate(0 {top})\">{}</g>", panel.render(columns));
        top += panel.height();
    }
    out + "</svg>\n"
}

/// One panel as a picture of its own, for a page that has [`STYLE`] already.
pub fn inline(columns: Columns, panel: &Panel) -> String {
    let height = panel.height();
    format!(
        "<svg class=\"bqe\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">{}</svg>",
        Escaped(&panel.title),
        panel.render(columns)
    )
}

/// The columns of a survey's settled span.
pub fn columns(survey: &Survey) -> Columns {
    Columns::new(survey.usage().map_or(Minute(0), |usage| usage.from), survey.settled())
}

/// What a model did against its limits.
pub fn panel(survey: &Survey, usage: &ModelUsage, columns: Columns) -> Panel {
    let mut lines: Vec<(f64, Line)> = usage
        .quotas
        .iter()
        .filter_map(|quota| {
            let (limit, fullest) = (quota.limit()?, quota.shares()?.max);
            let spent = survey.spent(&quota.quota.key)?;
            let share = |at: usize| spent.value(at).map(|value| value / limit);
            let fullest_of = |column: usize| columns.places(column).filter_map(share).reduce(f64::max);
            let line = Line {
                name: format!("{}, limit {}", kind(&quota.quota.key), human::exact(limit)),
                shares: (0..columns.count).map(fullest_of).collect(),
                ceiling: quota.ceiling.map(|ceiling| ceiling / limit),
                asked: asked(survey, &quota.quota.key),
            };
            Some((fullest, line))
        })
        .collect();
    lines.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    // Without a line there is no plot to mark.
    let closed = if lines.is_empty() { Vec::new() } else { closed(survey, usage) };
    Panel {
        title: format!("{}, {}", usage.activity.model, usage.scope()),
        lines: lines.into_iter().map(|(_, line)| line).take(panel::MOST_LINES).collect(),
        closed,
        calls: calls(usage, columns),
        settled: survey.settled(),
    }
}

/// What AWS was asked for and has not answered yet.
fn asked(survey: &Survey, key: &QuotaKey) -> Option<Asked> {
    let requests = survey.picture.quotas.as_ref()?.requests.as_ref()?;
    let request = requests.iter().find(|request| *request.quota_code == *key.code)?;
    let on = request.created.map_or(String::new(), |at| format!(" on {}", human::date(at)));
    let text = format!("{} {} asked for{on}", human::exact(request.desired?), kind(key));
    Some(Asked { text, minute: request.created.and_then(|at| minute(survey, at)) })
}

/// What AWS closed within the span. It tells what was asked for, and how that ended; what the limit was before is in no
/// list of a picture.
fn closed(survey: &Survey, usage: &ModelUsage) -> Vec<Asked> {
    let lists = survey.picture.quotas.iter();
    let mut closed: Vec<_> = lists
        .flat_map(|list| &list.closed)
        .filter_map(|closed| {
            let mut quotas = usage.quotas.iter().map(|quota| &quota.quota.key);
            let key = quotas.find(|key| *key.code == *closed.request.quota_code)?;
            let changed = closed.changed?;
            Some((changed, minute(survey, changed)?, closed, key))
        })
        .collect();
    closed.sort_by_key(|(changed, ..)| Reverse(*changed));
    let marks = closed.into_iter().map(|(changed, minute, closed, key)| {
        let asked = closed.request.desired.map_or("more".to_string(), human::exact);
        let status = closed.request.status.to_lowercase().replace('_', " ");
        let on = human::date(changed);
        let before = if closed.request.status == "APPROVED" { "; the limit before is not known" } else { "" };
        Asked {
            text: format!("{asked} {} asked for: {status} on {on}{before}", kind(key)),
            minute: Some(minute),
        }
    });
    marks.take(panel::MOST_NOTES).collect()
}

fn kind(key: &QuotaKey) -> String {
    key.kind.word().replace('_', " ")
}

/// The settled minute of the span at a time.
fn minute(survey: &Survey, at: Timestamp) -> Option<usize> {
    let place = usize::try_from(at.minute().0 - survey.usage()?.from.0).ok()?;
    (place < survey.settled()).then_some(place)
}

/// Calls a minute in each column; `None`: not read.
fn calls(usage: &ModelUsage, columns: Columns) -> Vec<Option<Calls>> {
    use crate::model::usage::Metric;
    let done = usage.activity.series(Metric::Invocations);
    let refused = usage.activity.series(Metric::Throttles);
    let column = |column: usize| {
        let known = columns.places(column).filter_map(|at| {
            let calls = Calls { done: *done.get(at)?, refused: *refused.get(at)? };
            (!calls.done.is_nan() && !calls.refused.is_nan()).then_some(calls)
        });
        let (sum, minutes) = known.fold((Calls::default(), 0), |(sum, minutes), calls| {
            (Calls { done: sum.done + calls.done, refused: sum.refused + calls.refused }, minutes + 1)
        });
        let minutes = f64::from(minutes);
        (minutes > 0.0).then(|| Calls { done: sum.done / minutes, refused: sum.refused / minutes })
    };
    (0..columns.count).map(column).collect()
}
