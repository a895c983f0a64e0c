//! The report as one HTML page.

use super::{Report, wrong};
use crate::chart::STYLE;
use crate::picture::Origin;
use crate::report::human::{self, count};
use crate::report::safe::Escaped;
use std::fmt::Write;

impl Report {
    /// The page.
    pub fn html(&self) -> String {
        let taken = human::minute(self.header.taken);
        let demo = if self.header.origin == Origin::Demo { ", simulated" } else { "" };
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>Amazon Bedrock quotas, {taken}</title>\
             <style>{PAGE}{STYLE}</style></head><body>\n<h1>Amazon Bedrock quotas</h1>\n\
             <p class=\"faint\">{}{demo}, as of {taken}. Percentiles are of the minutes with traffic, by nearest rank; a \
             minute that could not be read is in none of them.</p>\n",
            count(self.targets.len(), "account and region pair"),
        );
        out += "<nav><a href=\"#wrong\">What is wrong</a> <a href=\"#charts\">Charts</a>";
        for section in self.sections().into_iter().filter(|section| !section.is_empty()) {
            let _ = write!(out, " <a href=\"#{}\">{}</a>", section.slug, section.title);
        }
        out += "</nav>\n";
        out += &self.wrong();
        out += &self.pictures();
        self.sections().into_iter().for_each(|section| out += &section.html());
        out + &self.covered() + "</body></html>\n"
    }

    fn wrong(&self) -> String {
        let out = "<h2 id=\"wrong\">What is wrong</h2>\n".to_string();
        if self.findings.is_empty() {
            return out + "<p>Nothing that is known.</p>\n";
        }
        out + &wrong::html(&self.findings)
    }

    fn pictures(&self) -> String {
        let mut out = "<h2 id=\"charts\">Charts</h2>\n".to_string();
        if self.charts.is_empty() {
            return out + "<p>No model was refused calls or came near a limit.</p>\n";
        }
        for (_, title, svg) in &self.charts {
            let _ = writeln!(out, "<figure><figcaption>{}</figcaption>{svg}</figure>", Escaped(title));
        }
        out
    }

    fn covered(&self) -> String {
        let list: String = self.targets.iter().map(|title| format!("<li>{}</li>", Escaped(title))).collect();
        format!("<h2>Accounts and regions</h2><ul class=\"faint\">{list}</ul>\n")
    }
}

const PAGE: &str = "\
:root{color-scheme:light dark;--g:#fff;--i:#1b1b1b;--f:#666;--l:#ddd;--b:#b00020;--w:#8a5a00;--a:#0b57d0}\
@media (prefers-color-scheme:dark){:root{--g:#14171a;--i:#ececec;--f:#a3a3a3;--l:#33383d;--b:#ff6b81;--w:#e9b44c;--a:#8ab4f8}}\
body{background:var(--g);color:var(--i);font:14px/1.5 system-ui,sans-serif;max-width:1100px;margin:1.5em auto;padding:0 1em}\
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}a{color:var(--a);margin-right:.8em}\
table{border-collapse:collapse;width:100%;font-size:13px;display:block;overflow-x:auto}\
th,td{text-align:left;padding:.25em .8em .25em 0;border-bottom:1px solid var(--l);vertical-align:top;overflow-wrap:anywhere;\
min-width:3.2em}td:not(.n,.whole){min-width:11.5em}th{font-size:12px;color:var(--f);overflow-wrap:normal}.n{text-align:right}.n,.whole{white-space:nowrap}\
.faint{color:var(--f)}.bad{color:var(--b)}.warn{color:var(--w)}\
details{border:1px solid var(--l);border-radius:6px;padding:.5em .9em;margin:.5em 0}summary{cursor:pointer}\
code{font-size:12px;overflow-wrap:anywhere}figure{margin:1em 0}figcaption{color:var(--f)}svg{max-width:100%;height:auto;width:800px}\
@media print{summary{break-after:avoid}tr,figure{break-inside:avoid}details::details-content{content-visibility:visible;block-size:auto}a{color:inherit}nav{display:none}}";
