//! Lists in pages.

use super::faults::{Kind, SAME_TOKEN};
use super::wire::{Refusal, Scene};

/// One page of `items`, and the token of the next.
///
/// Where the world says so pages are rough: every fourth is half empty and the one after it empty,
/// though more follow.
pub fn page<T>(
    scene: &Scene,
    items: Vec<T>,
    token: Option<&str>,
    size: usize,
    bad_token: Refusal,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let (number, offset) = match token {
        None | Some(SAME_TOKEN) => (0, 0),
        Some(token) => position(token).filter(|(_, offset)| *offset <= items.len()).ok_or(bad_token)?,
    };
    let size = match number % 4 {
        n if scene.faults.contains(&Kind::EmptyPage) && n % 2 == 0 => 0,
        2 if scene.sim.world().rough_pages => size / 2,
        3 if scene.sim.world().rough_pages => 0,
        _ => size,
    };
    let end = (offset + size).min(items.len());
    let next = (end < items.len()).then(|| format!("page-{}-{end}", number + 1));
    Ok((items.into_iter().take(end).skip(offset).collect(), next))
}

fn position(token: &str) -> Option<(usize, usize)> {
    let (number, offset) = token.strip_prefix("page-")?.split_once('-')?;
    Some((number.parse().ok()?, offset.parse().ok()?))
}
