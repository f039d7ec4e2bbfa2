//! The command as users and jobs meet it: flags, stores, published folders, faults and kills.

#[cfg(all(feature = "fetch", unix))]
#[path = "../fake/mod.rs"]
mod fake;

mod adopt;
#[cfg(all(feature = "fetch", unix))]
mod answers;
mod cli;
mod cli_tags;
mod crash;
mod deploy;
mod drift;
mod engine_cli;
mod faults;
mod fleet;
mod folders;
mod history;
mod kept;
mod killed;
mod lint;
mod lists;
mod mended;
mod publish;
mod reading;
mod refresh;
mod replay;
mod same_names;
mod serve;
mod serve_ask;
mod serve_watch;
mod store;
mod verify;
