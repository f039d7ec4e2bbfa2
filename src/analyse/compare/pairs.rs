//! Which resource of one side belongs to which of the other.

use crate::read::live::last_part;

/// A resource of either side; one of them is there.
pub(in crate::analyse) type Paired<'t, T> = (Option<&'t T>, Option<&'t T>);

/// Pairs by whole id, then by name, then what is left over if it is one of each. In order of the first side, then what
/// only the second has.
pub(in crate::analyse) fn pairs<'t, T>(
    a: &'t [T],
    b: &'t [T],
    id: impl Fn(&T) -> Option<&str>,
    name: impl Fn(&T) -> &str,
) -> Vec<Paired<'t, T>> {
    let mut of_a: Vec<Option<usize>> = vec![None; a.len()];
    let mut taken = vec![false; b.len()];
    let same_id = |x: &T, y: &T| matches!((id(x), id(y)), (Some(x), Some(y)) if x.eq_ignore_ascii_case(y));
    let same_name = |x: &T, y: &T| last_part(name(x)).eq_ignore_ascii_case(last_part(name(y)));
    for by_id in [true, false] {
        let way = |x: &T, y: &T| if by_id { same_id(x, y) } else { same_name(x, y) };
        for (at, item) in a.iter().enumerate().filter(|(at, _)| of_a[*at].is_none()).collect::<Vec<_>>() {
            let found = (0..b.len()).find(|&other| !taken[other] && way(item, &b[other]));
            if let Some(other) = found {
                taken[other] = true;
                of_a[at] = Some(other);
            }
        }
    }
    let free_a: Vec<usize> = (0..a.len()).filter(|&at| of_a[at].is_none()).collect();
    let free_b: Vec<usize> = (0..b.len()).filter(|&at| !taken[at]).collect();
    if let ([one], [other]) = (free_a.as_slice(), free_b.as_slice()) {
        of_a[*one] = Some(*other);
        taken[*other] = true;
    }
    let both = a.iter().zip(&of_a).map(|(item, other)| (Some(item), other.map(|other| &b[other])));
    let rest = b.iter().zip(&taken).filter(|(_, taken)| !**taken).map(|(item, _)| (None, Some(item)));
    both.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_id_by_name_and_what_is_left() {
        let names =
            |a: &[&'static str], b: &[&'static str]| -> Vec<(Option<&'static str>, Option<&'static str>)> {
                let found = pairs(a, b, |text| text.starts_with('/').then_some(*text), |text| *text);
                found.into_iter().map(|(x, y)| (x.copied(), y.copied())).collect()
            };
        assert_eq!(
            names(&["/x/web"], &["/y/web", "/X/WEB"]),
            [(Some("/x/web"), Some("/X/WEB")), (None, Some("/y/web"))]
        );
        assert_eq!(names(&["a", "b"], &["B", "c"]), [(Some("a"), Some("c")), (Some("b"), Some("B"))]);
        assert_eq!(names(&["a"], &["b", "c"]), [(Some("a"), None), (None, Some("b")), (None, Some("c"))]);
    }
}
