//! Any bytes as an ARM template that is read back: an error or resources, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagwall::verify::read_arm;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_arm(bytes);
});
