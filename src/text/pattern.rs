//! [`fits`]: patterns in which `*` stands for any text.

/// Whether `text` is as `pattern` says: `*` stands for any characters, also none; case counts.
///
/// # Cost
/// One search for each part of the pattern: linear where parts are short.
///
/// ```
/// use tagwall::text::fits;
/// assert!(fits("/v1/*/x", "/v1/a/b/x") && fits("*", "") && fits("a*b", "ab"));
/// assert!(!fits("a*a", "a") && !fits("A", "a") && !fits("a", "ab"));
/// ```
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The same whatever the case.
pub fn fits_in_any_case(pattern: &str, text: &str) -> bool {
    fits(&pattern.to_lowercase(), &text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{fits, fits_in_any_case};

    #[test]
    fn patterns() {
        for (pattern, text, wanted) in [
            ("a", "a", true),
            ("a", "A", false),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*a", "a", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*a", "aba", true),
            ("a*c*a", "aba", false),
            ("ab*b", "ab", false),
            ("/*/c", "/a/b/c", true),
            ("/*/c", "/a/c/d", false),
            ("a**b", "axb", true),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
        assert!(fits_in_any_case("JIT-*", "jit-22") && fits_in_any_case("*useonly*", "X_UseOnly_y"));
        assert!(!fits_in_any_case("JIT-*", "ajit-22"));
    }

    /// Every text and pattern of three letters against a slow matcher.
    #[test]
    fn a_slow_matcher_agrees() {
        fn slow(pattern: &[u8], text: &[u8]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some((b'*', rest)) => (0..=text.len()).any(|skip| slow(rest, &text[skip..])),
                Some((one, rest)) => text.first() == Some(one) && slow(rest, &text[1..]),
            }
        }
        let words = |letters: &str| {
            let mut all = vec![String::new()];
            for length in 0..5 {
                let longest: Vec<String> = all.iter().filter(|word| word.len() == length).cloned().collect();
                all.extend(
                    longest.iter().flat_map(|word| letters.chars().map(move |c| format!("{word}{c}"))),
                );
            }
            all
        };
        let texts = words("ab");
        for pattern in words("ab*") {
            for text in &texts {
                assert_eq!(
                    fits(&pattern, text),
                    slow(pattern.as_bytes(), text.as_bytes()),
                    "{pattern} {text}"
                );
            }
        }
    }
}
