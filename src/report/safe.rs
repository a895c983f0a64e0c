//! Text that may hold anything (names of accounts, profiles and quotas, messages of others), made safe for where it
//! is shown: one place for the terminal, pages and pictures.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

/// What could move the cursor, change colours or turn the direction of the text, and what XML cannot hold.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}'
                | '\u{fffe}' | '\u{ffff}')
}

/// Text for a terminal: an unsafe character is shown as its number.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if is_unsafe(c) { format!("<{:x}>", c as u32) } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// The same for text of several lines, which stay lines.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Text for HTML and SVG, between tags and in attributes: as [`printable`], and no markup.
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        printable(self.0).chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_printed_moves_the_cursor_or_turns_the_text() {
        assert_eq!(printable("us.\u{202e}abc\x1b]0;x\x07\u{9b}1m"), "us.<202e>abc<1b>]0;x<7><9b>1m");
        assert_eq!(printable("Größe 模型"), "Größe 模型");
        assert_eq!(printable_lines("one\n  two\x07\n"), "one\n  two<7>\n");
    }

    #[test]
    fn no_text_becomes_markup_or_what_xml_cannot_hold() {
        let text = Escaped("</text><script>\u{0}\u{ffff}\u{202e}&\"'").to_string();
        assert_eq!(text, "&lt;/text&gt;&lt;script&gt;&lt;0&gt;&lt;ffff&gt;&lt;202e&gt;&amp;&quot;&#39;");
    }
}
