//! Members of requests. What is not simulated is refused: an answer that ignored it would look right and be wrong.

use super::refusal::Refusal;
use serde_json::Value;

/// Refuses a request with members other than the known ones.
pub fn only(input: &Value, known: &[&str]) -> Result<(), Refusal> {
    let mut names = input.as_object().into_iter().flat_map(|members| members.keys());
    names.find(|name| !known.contains(&name.as_str())).map_or(Ok(()), |name| {
        Err(Refusal::new(400, "ValidationException", format!("The member {name} is not simulated.")))
    })
}

/// A member that is one of a few words; `None` where the request lacks it.
pub fn choice<'a>(input: &'a Value, name: &str, words: &[&str]) -> Result<Option<&'a str>, Refusal> {
    let Some(given) = input[name].as_str() else { return Ok(None) };
    if words.contains(&given) {
        return Ok(Some(given));
    }
    let message = format!(
        "1 validation error detected: Value '{given}' at '{name}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
        words.join(", ")
    );
    Err(Refusal::new(400, "ValidationException", message))
}
