//! The parts of a model's id or name, one by one, before anything is made of them.

/// A version or revision: `4.5` is `[4, 5]`, `3.0` is `[3, 0]`.
pub(super) type Number = Vec<u32>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    /// A number without a `v`.
    Number(Number),
    /// A number with a `v`.
    Revision(Number),
    /// Four digits, most often year and month: `2407`.
    Date(String),
    /// Eight digits, which only ids spell.
    Release(String),
    /// `70b`, `8x7b`.
    Size(String),
    /// Active parameters and experts: `a22b`, `128e`.
    Active(String),
    /// `24k`, `10m`.
    Context(String),
}

/// The tokens of an id's part behind the provider and before the colon; `minor` is the part behind it.
pub(super) fn of_id(text: &str, minor: &str) -> Vec<Token> {
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
    let mut tokens = join_numbers(parts.flat_map(of_part).collect());
    if let Ok(minor) = minor.parse() {
        add_minor(&mut tokens, minor);
    }
    tokens
}

/// The parts of a name as people write it, lower case.
pub(super) fn parts_of_name(text: &str) -> Vec<&str> {
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
    parts.flat_map(split_dots).flat_map(split_letters).filter(|part| !part.is_empty()).collect()
}

pub(super) fn of_part(part: &str) -> Vec<Token> {
    split_dots(part).into_iter().flat_map(split_letters).filter(|p| !p.is_empty()).map(token).collect()
}

/// The number without zeros at its end: 3.0 is 3.
pub(super) fn trimmed(mut number: Number) -> Number {
    while number.len() > 1 && number.last() == Some(&0) {
        number.pop();
    }
    number
}

/// `z.ai` is two parts, `4.5` and `k2.5` are one.
fn split_dots(part: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let bytes = part.as_bytes();
    let is_digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    for (at, _) in part.match_indices('.') {
        if at == 0 || !is_digit(at - 1) || !is_digit(at + 1) {
            parts.push(&part[start..at]);
            start = at + 1;
        }
    }
    parts.push(&part[start..]);
    parts
}

/// `llama3` and `reel1.0` are a word and a number; `k2.5`, `r1`, `a22b` and `v2` stay whole.
fn split_letters(part: &str) -> Vec<&str> {
    let letters = part.bytes().take_while(u8::is_ascii_alphabetic).count();
    let number =
        !part[letters..].is_empty() && part[letters..].bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if letters >= 2 && number { vec![&part[..letters], &part[letters..]] } else { vec![part] }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(is_digits)
}

fn token(part: &str) -> Token {
    let (body, last) = part.split_at(part.len() - 1);
    let owned = part.to_string();
    match part.as_bytes()[0] {
        b'v' if is_dotted(&part[1..]) => return Token::Revision(number(&part[1..])),
        b'a' if last == "b" && is_dotted(&body[1..]) => return Token::Active(owned),
        _ => (),
    }
    match last {
        "b" | "t"
            if is_dotted(body) || body.split_once('x').is_some_and(|(n, s)| is_digits(n) && is_dotted(s)) =>
        {
            Token::Size(owned)
        }
        "e" if is_digits(body) => Token::Active(owned),
        "k" | "m" if is_digits(body) => Token::Context(owned),
        _ if is_digits(part) && part.len() == 8 => Token::Release(owned),
        _ if is_digits(part) && part.len() == 4 => Token::Date(owned),
        _ if is_dotted(part) && is_year_and_month(part) => Token::Date(part.replace('.', "")),
        // `02` of titan-embed-g1-text-02 is a part of its name and no version 2.
        _ if is_dotted(part) && part.len() < 8 && !(part.len() > 1 && part.starts_with('0')) => {
            Token::Number(number(part))
        }
        _ => Token::Word(owned),
    }
}

/// `25.02`, as in `pixtral-large-2502`.
fn is_year_and_month(part: &str) -> bool {
    part.split_once('.').is_some_and(|(year, month)| {
        year.len() == 2
            && month.len() == 2
            && (20..50).contains(&small(year))
            && (1..=12).contains(&small(month))
    })
}

fn small(digits: &str) -> u32 {
    digits.parse().unwrap_or(u32::MAX)
}

fn number(dotted: &str) -> Number {
    dotted.split('.').map(small).collect()
}

/// In ids a hyphen stands for the dot: `3-5` is 3.5, `v3-5` is v3.5, `k2-5` is k2.5.
fn join_numbers(tokens: Vec<Token>) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::new();
    for token in tokens {
        match (joined.last_mut(), token) {
            (Some(Token::Number(n) | Token::Revision(n)), Token::Number(next)) => n.extend(next),
            (Some(Token::Word(w)), Token::Number(next)) if is_letter_and_number(w) => {
                *w = format!("{w}.{}", next.iter().map(u32::to_string).collect::<Vec<_>>().join("."));
            }
            (_, token) => joined.push(token),
        }
    }
    joined
}

fn is_letter_and_number(word: &str) -> bool {
    word.len() > 1
        && word.as_bytes()[0].is_ascii_alphabetic()
        && word[1..].bytes().all(|b| b.is_ascii_digit())
}

/// The part behind the colon: `v1:0` is revision 1, `v0:2` is 0.2, and `120b-1:0` has revision 1 as well.
fn add_minor(tokens: &mut [Token], minor: u32) {
    if let Some(last) = tokens.last_mut()
        && let Token::Number(n) | Token::Revision(n) = last
    {
        let mut number = std::mem::take(n);
        number.push(minor);
        *last = Token::Revision(number);
    }
}
