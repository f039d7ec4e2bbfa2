//! What firewalls fetch and people look at: lists, look-ups, changes and pages, as values. Nothing here listens or waits; HTTP
//! is put around it by `serve`, and `export` writes the same as files.
//!
//! | what | knows |
//! |---|---|
//! | [`World`] | everything that can be answered, from one moment |
//! | [`CloudFeed`] | the tags of one cloud, their lists, and the stored [`History`] |
//! | [`Publication`] | the published generation and its environments |
//! | [`RuleIndex`] | which rules of them hold an address |
//! | [`Answer`] | what is said to a request |

mod answer;
mod body;
mod changes;
mod cloud;
mod consumer;
mod explain;
mod export;
mod history;
mod list;
mod lookup;
mod pages;
mod paths;
mod publication;
mod readable;
mod rules;
mod shards;
mod status;
mod trouble;
mod world;

pub use answer::{ATOM, Answer, ENTRIES, GENERATION, HTML, JSON, PARTS, TEXT};
pub use body::{Body, Encoding};
pub use changes::{Catching, ChangeFeed, Difference, catch_up, difference, summary, summary_of};
pub use cloud::{CloudError, CloudFeed, UnknownTag};
pub use consumer::{Consumer, Part, View};
pub use explain::Explanation;
pub use export::{DIGESTS, Files, export, inputs};
pub use history::{History, Since, Week};
pub use list::{Family, List};
pub use lookup::{
    Found, MOST, NoAddress, NotUnderstood, Resolved, TagFound, Thing, found, look_up, look_up_hosts,
};
pub use pages::{Medium, SCRIPT, STYLE, asset};
pub use paths::{Asked, Query};
pub use publication::{ChangedRule, Environment, EnvironmentChange, Publication, PublishedFile, Used};
pub use rules::{Met, Rule, RuleIndex};
pub use status::RunStatus;
pub use trouble::{NoEnvironment, Trouble};
pub use world::{Mark, Sources, World, WorldError};
