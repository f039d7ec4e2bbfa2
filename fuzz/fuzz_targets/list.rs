//! Any bytes as a list of addresses: parse, print, parse again gives the same set.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagwall::addr::{AddrList, ListOptions};

fuzz_target!(|bytes: &[u8]| {
    for relaxed in [false, true] {
        if let Ok(list) = AddrList::parse(bytes, ListOptions { relaxed }) {
            let text: String = list.set.prefixes().map(|p| format!("{p}\n")).collect();
            let again = AddrList::parse(text.as_bytes(), ListOptions::default()).expect("our own output is read");
            assert_eq!(again.set, list.set);
        }
    }
});
