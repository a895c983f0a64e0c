//! The pieces of the page: safe text, bars, the frame with its style.

use std::fmt::{self, Display, Write};

/// A share as a bar: neutral with room, amber from 80 %, red from the limit on.
pub(super) struct Bar(pub(super) f64);

impl Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.0 {
            share if share >= 1.0 => "full",
            share if share >= 0.8 => "near",
            _ => "roomy",
        };
        let width = (self.0 * 100.0).clamp(0.0, 100.0);
        write!(
            f,
            "<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"{class}\" width=\"{width:.1}\" height=\"10\"/></svg>"
        )
    }
}

/// A heading with what stands below it.
pub(super) fn section(title: &str, body: &str) -> String {
    format!("<section><h2>{title}</h2>\n{body}</section>\n")
}

/// The first `shown` rows, and the others folded under a line that counts them.
pub(super) fn folded(rows: &[String], shown: usize, wrap: fn(&str) -> String) -> String {
    let (first, rest) = rows.split_at(rows.len().min(shown));
    let mut text = wrap(&first.concat());
    if !rest.is_empty() {
        let rest_text = wrap(&rest.concat());
        let _ = writeln!(text, "<details><summary>{} more</summary>\n{rest_text}</details>", rest.len());
    }
    text
}

/// The whole document.
pub(super) fn document(body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>bedrock-quota-exporter</title>\
         <link rel=\"icon\" href=\"{ICON}\"><style>{STYLE}</style></head>\n<body>{body}</body></html>\n"
    )
}

/// A gauge at three quarters, so that no browser asks for a file.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
    %3Crect y='5' width='16' height='6' rx='2' fill='%23999'/%3E\
    %3Crect y='5' width='12' height='6' rx='2' fill='%23e8871e'/%3E%3C/svg%3E";

const STYLE: &str = "\
:root{--text:#1f2328;--soft:#59636e;--line:#d1d9e0;--page:#fff;--card:#f6f8fa;--bad:#b42318;--warn:#8a5300;\
--near:#d98e04;--full:#d92d20;--roomy:#7d8da1;--link:#0757b0}\
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9198a1;--line:#3d444d;--page:#0d1117;--card:#151b23;\
--bad:#ff7b72;--warn:#e3b341;--near:#d29922;--full:#f85149;--roomy:#6e7f93;--link:#6cb6ff}}\
*{box-sizing:border-box}\
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;padding:1em;max-width:76em;color:var(--text);\
background:var(--page);overflow-wrap:anywhere}\
a{color:var(--link)}h1{font-size:1.4em;margin:.2em 0}h2{font-size:1.05em;margin:1.8em 0 .5em}\
ul{margin:.3em 0;padding-left:1.4em}small,.soft{color:var(--soft);font-size:.87em}p{margin:.3em 0}nav a{margin-right:.9em}\
.mark{border:1px solid var(--warn);color:var(--warn);border-radius:.3em;padding:0 .4em;font-size:.6em;\
vertical-align:middle}\
.finding{border-left:4px solid var(--near);background:var(--card);padding:.5em .8em;margin:.5em 0}\
.critical{border-color:var(--full)}code{font-size:.87em}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.3em .8em .3em 0;border-bottom:1px solid var(--line);vertical-align:top}\
th{font-weight:600;color:var(--soft);font-size:.87em;white-space:nowrap}.number{text-align:right}\
.number,.whole{white-space:nowrap}\
.bad{color:var(--bad)}.bar{display:block;width:100%;min-width:7em;height:.65em;margin-top:.45em;\
background:var(--line);border-radius:2px}\
.roomy{fill:var(--roomy)}.near{fill:var(--near)}.full{fill:var(--full)}\
summary{cursor:pointer;color:var(--link);padding:.4em 0}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1.2em;margin:0}dt{color:var(--soft)}dd{margin:0}\
@media(max-width:44em){thead{display:none}table,tbody{display:block}\
tr{display:flex;flex-wrap:wrap;gap:0 .8em;border-bottom:1px solid var(--line);padding:.45em 0}\
td{border:0;padding:.05em 0}td:first-child,.wide{flex-basis:100%}.number{text-align:left}\
td[data-label]::before{content:attr(data-label) \" \";color:var(--soft);font-size:.87em}}";
