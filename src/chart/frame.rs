//! What every picture has: its style, its ground and its heading.

use super::columns::WIDTH;
use crate::report::safe::Escaped;

/// Colours by role. Series are told apart by those that people with any colour vision can (Okabe and Ito), and
/// by their dashes.
pub const STYLE: &str = "\
.bqe{--ground:#fff;--ink:#1b1b1b;--faint:#666;--grid:#e4e4e4;--limit:#b00020;--refused:#d55e00;--done:#9fc5e8;\
--s0:#0072b2;--s1:#a06a00;--s2:#00795a;--gap:#f1f1f1;font-family:system-ui,sans-serif}\
@media (prefers-color-scheme:dark){.bqe{--ground:#14171a;--ink:#ececec;--faint:#a3a3a3;--grid:#33383d;\
--limit:#ff6b81;--refused:#ff9147;--done:#3f6f99;--s0:#56b4e9;--s1:#e9b44c;--s2:#4fc3a1;--gap:#20252a}}\
.bqe .ground{fill:var(--ground)}.bqe text{fill:var(--ink);font-size:12px;paint-order:stroke;stroke:var(--ground);stroke-width:3px;stroke-linejoin:round}.bqe .title{font-size:15px;font-weight:600}\
.bqe .faint{fill:var(--faint)}.bqe .grid{stroke:var(--grid);stroke-width:1}.bqe .gap{fill:var(--gap)}\
.bqe .limit{stroke:var(--limit);stroke-width:1.5}.bqe .limit-text{fill:var(--limit)}\
.bqe .asked{stroke:var(--limit);stroke-width:1;stroke-dasharray:2 3}\
.bqe .ceiling{stroke:var(--refused);stroke-width:1.5;stroke-dasharray:6 4}.bqe .ceiling-text{fill:var(--refused)}\
.bqe .line{fill:none;stroke-width:1.6;stroke-linejoin:round}.bqe .s0{stroke:var(--s0)}\
.bqe .s1{stroke:var(--s1);stroke-dasharray:5 2}.bqe .s2{stroke:var(--s2);stroke-dasharray:2 2}\
.bqe .done{fill:var(--done)}.bqe .refused{fill:var(--refused)}";

/// Room for the heading.
pub(super) const HEAD: f64 = 34.0;

/// The beginning of a picture: its style, ground and heading.
pub(super) fn frame(title: &str, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"bqe\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"{title}\"><style>{STYLE}</style>\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>\
         <text class=\"title\" x=\"12\" y=\"22\">{title}</text>",
        title = Escaped(title),
    )
}
