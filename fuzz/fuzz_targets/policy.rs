//! Any text as a policy: never a panic, and every error shows a place inside the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagwall::policy::PolicySource;

fuzz_target!(|text: &str| {
    if let Err(errors) = PolicySource::read("fuzz.toml", text) {
        assert!(!errors.problems.is_empty());
        assert!(errors.problems.iter().all(|p| p.span.end <= errors.text.len()));
        assert!(!errors.to_string().is_empty());
    }
});
