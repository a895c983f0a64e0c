//! Pictures of usage: SVG without script, readable on light and dark grounds, for a file and for the report.

mod columns;
mod panel;
mod scale;
mod svg;

pub use columns::{Columns, WIDTH};
pub use panel::{Asked, Calls, Line, Panel};

use crate::model::matching::QuotaKey;
use crate::model::time::Minute;
use crate::picture::survey::Survey;
use crate::report::human;
use crate::report::safe::Escaped;
use crate::report::usage::ModelUsage;
use std::fmt::Write;

/// Colours by role. Series are told apart by those that people with any colour vision can (Okabe and Ito), and
/// by their dashes.
pub const STYLE: &str = "\
.bqe{--ground:#fff;--ink:#1b1b1b;--faint:#666;--grid:#e4e4e4;--limit:#b00020;--refused:#d55e00;--done:#9fc5e8;\
--s0:#0072b2;--s1:#a06a00;--s2:#00795a;--gap:#f1f1f1;font-family:system-ui,sans-serif}\
@media (prefers-color-scheme:dark){.bqe{--ground:#14171a;--ink:#ececec;--faint:#a3a3a3;--grid:#33383d;\
--limit:#ff6b81;--refused:#ff9147;--done:#3f6f99;--s0:#56b4e9;--s1:#e9b44c;--s2:#4fc3a1;--gap:#20252a}}\
.bqe .ground{fill:var(--ground)}.bqe text{fill:var(--ink);font-size:12px}.bqe .title{font-size:15px;font-weight:600}\
.bqe .faint{fill:var(--faint)}.bqe .grid{stroke:var(--grid);stroke-width:1}.bqe .gap{fill:var(--gap)}\
.bqe .limit{stroke:var(--limit);stroke-width:1.5}.bqe .limit-text{fill:var(--limit)}\
.bqe .asked{stroke:var(--limit);stroke-width:1;stroke-dasharray:2 3}\
.bqe .ceiling{stroke:var(--refused);stroke-width:1.5;stroke-dasharray:6 4}.bqe .ceiling-text{fill:var(--refused)}\
.bqe .line{fill:none;stroke-width:1.6;stroke-linejoin:round}.bqe .s0{stroke:var(--s0)}\
.bqe .s1{stroke:var(--s1);stroke-dasharray:5 2}.bqe .s2{stroke:var(--s2);stroke-dasharray:2 2}\
.bqe .done{fill:var(--done)}.bqe .refused{fill:var(--refused)}";

/// A whole picture: a heading, and a panel for each model.
pub fn picture(title: &str, columns: Columns, panels: &[Panel]) -> String {
    let head = 34.0;
    let height = head + panels.iter().map(Panel::height).sum::<f64>() + 8.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"bqe\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"{title}\"><style>{STYLE}</style>\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>\
         <text class=\"title\" x=\"12\" y=\"22\">{title}</text>",
        title = Escaped(title),
    );
    let mut top = head;
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
            let kind = quota.quota.key.kind.word().replace('_', " ");
            let line = Line {
                name: format!("{kind}, limit {}", human::exact(limit)),
                shares: (0..columns.count).map(fullest_of).collect(),
                ceiling: quota.ceiling.map(|ceiling| ceiling / limit),
                asked: asked(survey, &quota.quota.key),
            };
            Some((fullest, line))
        })
        .collect();
    lines.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    Panel {
        title: format!("{}, {}", usage.activity.model, usage.scope()),
        lines: lines.into_iter().map(|(_, line)| line).take(panel::MOST_LINES).collect(),
        calls: calls(usage, columns),
        settled: survey.settled(),
    }
}

/// What AWS was asked for and has not answered yet. What it has answered, and limits that were other ones, are in no
/// list of a picture.
fn asked(survey: &Survey, key: &QuotaKey) -> Option<Asked> {
    let requests = survey.picture.quotas.as_ref()?.requests.as_ref()?;
    let request = requests.iter().find(|request| *request.quota_code == *key.code)?;
    let kind = key.kind.word().replace('_', " ");
    let on = request.created.map_or(String::new(), |at| format!(" on {}", human::date(at)));
    let text = format!("{} {kind} asked for{on}", human::exact(request.desired?));
    let place = request.created.zip(survey.usage()).map(|(at, usage)| at.minute().0 - usage.from.0);
    let minute =
        place.and_then(|place| usize::try_from(place).ok()).filter(|place| *place < survey.settled());
    Some(Asked { text, minute })
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
