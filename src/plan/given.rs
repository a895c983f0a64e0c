//! What a config gives, or its default.

use crate::config::{At, Complaint};

pub(super) type Out<'a> = &'a mut Vec<Complaint>;

pub(super) fn or<T: Clone>(at: &Option<At<T>>, default: T) -> T {
    at.as_ref().map_or(default, |at| at.value.clone())
}

fn values<T: Clone>(list: &Option<At<Vec<At<T>>>>) -> Vec<T> {
    list.iter().flat_map(|list| &list.value).map(|at| at.value.clone()).collect()
}

/// The list as given or its default; an item given twice is complained about.
pub(super) fn distinct<T>(list: &Option<At<Vec<At<T>>>>, key: &str, default: &[T], out: Out) -> Vec<T>
where
    T: Clone + PartialEq + std::fmt::Display,
{
    let Some(At { value: items, .. }) = list else { return default.to_vec() };
    for (i, item) in items.iter().enumerate() {
        if items[..i].iter().any(|earlier| earlier.value == item.value) {
            let message = format!("found {} again, expected each once", item.value);
            out.push(Complaint::new(item.line, format!("{key}[{i}]"), message));
        }
    }
    values(list)
}

pub(super) fn text(at: &Option<At<String>>) -> Option<String> {
    at.as_ref().map(|at| at.value.clone())
}

/// A list of distinct items, as given or its default; an empty one is complained about.
pub(super) fn some<T>(list: &Option<At<Vec<At<T>>>>, key: &str, what: &str, default: &[T], out: Out) -> Vec<T>
where
    T: Clone + PartialEq + std::fmt::Display,
{
    let items = distinct(list, key, default, out);
    if let Some(At { line, value }) = list
        && value.is_empty()
        && !out.iter().any(|complaint| complaint.key.starts_with(key))
    {
        let message = format!("found an empty list, expected at least one {what}");
        out.push(Complaint::new(*line, key.into(), message));
    }
    items
}
