//! Lists in pages.

use super::refusal::Refusal;
use super::scene::Scene;
use super::spoil::SAME_TOKEN;
use crate::sim::faults::Kind;
use serde_json::{Value, json};

/// How the lists of a service are paged.
pub struct Paging {
    /// The member of requests that says how many rows a page may have; none, where it is always the most.
    pub size: Option<&'static str>,
    /// The member of requests and replies that leads to the next page.
    pub token: &'static str,
    /// How many rows a page has when the request does not say.
    pub usual: usize,
    pub most: usize,
    /// The error code for a size out of range.
    pub bad_size: &'static str,
    /// The error code and message for a token that is none.
    pub bad_token: (&'static str, &'static str),
}

/// One page of a list.
pub struct Page<T> {
    pub rows: Vec<T>,
    token: &'static str,
    next: Option<String>,
}

impl Paging {
    /// The page of `rows` that a request asks for.
    ///
    /// Where the world says so pages are rough: the second is half empty and the third empty, though more
    /// follow.
    pub fn page<T>(&self, scene: &Scene, input: &Value, rows: Vec<T>) -> Result<Page<T>, Refusal> {
        let (number, start) = self.start(input, rows.len())?;
        let size = match number {
            n if scene.faults.contains(&Kind::EmptyPage) && n % 2 == 0 => 0,
            1 if scene.world.rough_pages => self.size(input)? / 2,
            2 if scene.world.rough_pages => 0,
            _ => self.size(input)?,
        };
        let end = (start + size).min(rows.len());
        let next = (end < rows.len()).then(|| format!("page-{}-{end}", number + 1));
        let rows = rows.into_iter().take(end).skip(start).collect();
        Ok(Page { rows, token: self.token, next })
    }

    /// Which page a request asks for, and its first row.
    fn start(&self, input: &Value, rows: usize) -> Result<(u32, usize), Refusal> {
        match input[self.token].as_str() {
            None | Some(SAME_TOKEN) => Ok((0, 0)),
            Some(token) => position(token).filter(|(_, start)| *start <= rows).ok_or_else(|| {
                let (code, message) = self.bad_token;
                Refusal::new(400, code, message)
            }),
        }
    }

    /// How many rows a page may have. Members of a query string are text.
    fn size(&self, input: &Value) -> Result<usize, Refusal> {
        let Some(name) = self.size else { return Ok(self.most) };
        let asked = match &input[name] {
            Value::Null => return Ok(self.usual),
            Value::String(text) => text.parse().ok(),
            number => number.as_u64(),
        };
        let size = asked.map(|size| size as usize).filter(|size| (1..=self.most).contains(size));
        let message = format!("{name} must be between 1 and {}.", self.most);
        size.ok_or_else(|| Refusal::new(400, self.bad_size, message))
    }
}

impl<T> Page<T> {
    /// The reply: the rows under the name of their list, and the token of the next page if there is one.
    pub fn reply(self, list: &str, row: impl Fn(T) -> Value) -> Value {
        let rows: Vec<Value> = self.rows.into_iter().map(row).collect();
        let mut reply = json!({ list: rows });
        if let Some(next) = self.next {
            reply[self.token] = json!(next);
        }
        reply
    }
}

fn position(token: &str) -> Option<(u32, usize)> {
    let (number, start) = token.strip_prefix("page-")?.split_once('-')?;
    Some((number.parse().ok()?, start.parse().ok()?))
}
