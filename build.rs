//! Tells tests whether `TAGWALL_SHARED` names real data, so that those that need it are ignored by name where it does
//! not.

fn main() {
    println!("cargo::rerun-if-env-changed=TAGWALL_SHARED");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(shared_data)");
    if std::env::var_os("TAGWALL_SHARED").is_some() {
        println!("cargo::rustc-cfg=shared_data");
    }
}
