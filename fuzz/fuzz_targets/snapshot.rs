//! Any bytes as a service-tags file: never a panic, and what is accepted has a digest and merges.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagwall::tags::Snapshot;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(snapshot) = Snapshot::parse(bytes) {
        assert_eq!(snapshot.digest().len(), 64);
        for tag in snapshot.tags() {
            let published = tag.published().count();
            assert!(tag.set().prefixes().count() <= published, "merging never adds prefixes");
            assert!(snapshot.tag(tag.name().as_str()).is_some());
        }
    }
});
