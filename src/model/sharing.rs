//! Equal values kept in memory once: a fleet's targets have mostly the same lists, and few rows of their own.

use std::sync::Arc;

/// Takes the place of an equal value of another target.
pub(crate) fn whole<'a, T: PartialEq + 'a>(own: &mut Arc<T>, others: impl IntoIterator<Item = &'a Arc<T>>) {
    let equal = |other: &&Arc<T>| Arc::ptr_eq(other, own) || ***other == **own;
    if let Some(other) = others.into_iter().find(equal) {
        *own = other.clone();
    }
}

/// The same row by row. Quickest where the lists have the same order.
pub(crate) fn rows<'a, T: PartialEq + 'a>(
    own: &mut [Arc<T>],
    others: impl IntoIterator<Item = &'a [Arc<T>]>,
) {
    let mut alone: Vec<usize> = (0..own.len()).collect();
    for other in others {
        let mut next = 0;
        alone.retain(|&row| {
            let equal = |other: &Arc<T>| Arc::ptr_eq(other, &own[row]) || **other == *own[row];
            let here = other.get(next).filter(|other| equal(other)).map(|_| next);
            let Some(place) = here.or_else(|| other.iter().position(equal)) else { return true };
            own[row] = other[place].clone();
            next = place + 1;
            false
        });
        if alone.is_empty() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_one_in_memory_whatever_their_order() {
        let list = |rows: &[&str]| rows.iter().map(|row| Arc::new(row.to_string())).collect::<Vec<_>>();
        let (a, b) = (list(&["1", "2", "3", "4"]), list(&["5", "4"]));
        let mut own = list(&["2", "own", "3", "1", "5"]);
        let before = own.clone();
        rows(&mut own, [&a[..], &b[..]]);
        assert_eq!(own, before);
        let places = [&a[1], &before[1], &a[2], &a[0], &b[0]];
        assert!(own.iter().zip(places).all(|(own, place)| Arc::ptr_eq(own, place)));
    }
}
