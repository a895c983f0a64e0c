//! Text in lines that are no longer than a terminal is wide, as far as its words allow.

use crate::report::safe::printable;

/// Between two columns, and before what stands below.
pub(super) const GAP: usize = 2;

/// Where text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// In columns.
    pub width: usize,
    pub colour: bool,
}

/// Text in lines of at most that width, each behind so many blanks, or fewer where a word needs their room.
pub fn wrapped(text: &str, width: usize, indent: usize) -> String {
    flowed(text, width, indent, indent)
}

/// The same, its first line behind blanks of its own.
fn flowed(text: &str, width: usize, first: usize, further: usize) -> String {
    let text = printable(text);
    let room = width.saturating_sub(longest_word(&text));
    let (mut indent, further) = (first.min(room), further.min(room));
    let (mut out, mut line) = (String::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > width {
            out += &format!("{:indent$}{line}\n", "");
            line.clear();
            indent = further;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    out + &format!("{:indent$}{line}\n", "")
}

/// Text beside a mark, its further lines below its first; where a word has no room there, below the mark.
pub fn hanging(mark: &str, text: &str, width: usize) -> String {
    let indent = mark.chars().count();
    if indent + longest_word(&printable(text)) > width {
        return format!("{}\n{}", mark.trim_end(), wrapped(text, width, GAP));
    }
    format!("{mark}{}", wrapped(text, width, indent).trim_start_matches(' '))
}

/// Lines that were laid out for a wide terminal, for one of that width: what is longer is wrapped behind its own blanks.
pub fn fitted(text: &str, width: usize) -> String {
    let fit = |line: &str| {
        if line.chars().count() <= width {
            return format!("{line}\n");
        }
        let blanks = line.len() - line.trim_start_matches(' ').len();
        flowed(line, width, blanks, blanks + GAP)
    };
    text.lines().map(fit).collect()
}

/// A line over the rows of a group.
pub fn heading(text: &str, terminal: Terminal) -> String {
    let text = flowed(text, terminal.width, 0, GAP);
    let text = text.trim_end();
    if terminal.colour { format!("\n\x1b[1m{text}\x1b[0m\n") } else { format!("\n{text}\n") }
}

/// A line for each name and its text.
pub fn stacked<'a>(
    fields: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    width: usize,
    indent: usize,
) -> String {
    let names = fields.clone().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let line =
        |(name, text): (&str, &str)| hanging(&format!("{:indent$}{name:1$}", "", names + GAP), text, width);
    fields.map(line).collect()
}

fn longest_word(text: &str) -> usize {
    text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_makes_a_line_longer_than_the_terminal() {
        let texts =
            ["a", "", "of at most thirty", "anthropic.claude-sonnet-4-6 is refused", "x y z x y z x y z"];
        for width in 1..60 {
            let widest = |text: &str| width.max(longest_word(text)).max("  1.".len());
            for text in texts {
                let stacked = stacked([("NAME", text), ("OTHER", "b")].into_iter(), width, 2);
                let terminal = Terminal { width, colour: false };
                for shown in [wrapped(text, width, 6), hanging("  1. ", text, width), heading(text, terminal)]
                {
                    assert!(
                        shown.lines().all(|line| line.chars().count() <= widest(text)),
                        "{width}: {shown}"
                    );
                    let words: Vec<&str> = shown.split_whitespace().filter(|word| *word != "1.").collect();
                    assert_eq!(words.join(" "), text);
                }
                let named = widest(text).max("  OTHER".len());
                assert!(stacked.lines().all(|line| line.chars().count() <= named), "{width}: {stacked}");
            }
        }
    }

    #[test]
    fn what_was_laid_out_for_a_wide_terminal_fits_into_a_narrow_one() {
        let wide =
            "Targets: 2\n  production: role arn:aws:iam::111122223333:role/reader in us-east-1, eu-west-1\n";
        assert_eq!(fitted(wide, 200), wide);
        let narrow = "Targets: 2\n  production: role\n    arn:aws:iam::111122223333:role/reader\n    in us-east-1, eu-west-1\n";
        assert_eq!(fitted(wide, 42), narrow);
    }
}
