//! Lists in pages.

use super::faults::{Kind, SAME_TOKEN};
use super::wire::{Refusal, Scene};

/// One page of `items`, and the token of the next.
///
/// Where the world says so pages are rough: the second is half empty and the third empty, though more
/// follow.
pub fn page<T>(
    scene: &Scene,
    items: Vec<T>,
    token: Option<&str>,
    size: usize,
    bad_token: Refusal,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let (number, offset): (u32, usize) = match token {
        None | Some(SAME_TOKEN) => (0, 0),
        Some(token) => position(token).filter(|(_, offset)| *offset <= items.len()).ok_or(bad_token)?,
    };
    let rough = scene.sim.world().rough_pages;
    let size = match number {
        n if scene.faults.contains(&Kind::EmptyPage) && n % 2 == 0 => 0,
        1 if rough => size / 2,
        2 if rough => 0,
        _ => size,
    };
    let end = (offset + size).min(items.len());
    let next = (end < items.len()).then(|| format!("page-{}-{end}", number + 1));
    Ok((items.into_iter().take(end).skip(offset).collect(), next))
}

fn position(token: &str) -> Option<(u32, usize)> {
    let (number, offset) = token.strip_prefix("page-")?.split_once('-')?;
    Some((number.parse().ok()?, offset.parse().ok()?))
}
