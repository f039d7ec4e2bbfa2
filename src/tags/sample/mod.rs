//! The built-in sample snapshot: shaped like the real service-tags file, with addresses that nobody owns.
//!
//! Tag names, regions, region ids, services and network features are the true ones of a published file; how many
//! prefixes a tag has is that file's proportion on a smaller scale. The addresses are made here, and only from
//! blocks set aside for documentation and benchmarks, so a rule built from the sample can be read, tested and
//! even deployed by mistake without ever opening a path to a real machine.
//!
//! | from | to |
//! |---|---|
//! | `data/sample/shape-*.csv` | `shape`: one row per tag |
//! | `shape` | `asks`: which prefixes each region has to find room for, and who holds them |
//! | `asks` | `layout`: addresses, region by region, and the `AzureCloud` prefixes over them |
//! | `layout` | `json`: the published form |
//!
//! What the sample keeps of the real file's structure:
//!
//! - a regional tag is inside its global tag, which mostly holds a little more and is sometimes coarser (`Storage`);
//! - `AzureCloud.<code>` holds nearly everything of its region, `AzureCloud` holds all of those, and a few tags
//!   (or parts of them) are outside both;
//! - services do not overlap each other, but for the few that are wholly part of another;
//! - only `AzureCloud` can be minimised by much: its prefixes are finer than they need to be.

mod block;
mod carve;
mod demands;
mod draw;
mod json;
mod layout;
mod shape;

use super::name::Cloud;
use crate::addr::{Address, Prefix};
use draw::Family;
use shape::Shape;

/// The clouds that there is a sample of.
pub const CLOUDS: [Cloud; 3] = [Cloud::Public, Cloud::UsGov, Cloud::China];

fn table(cloud: Cloud) -> Option<&'static str> {
    match cloud {
        Cloud::Public => Some(include_str!("../../../data/sample/shape-public.csv")),
        Cloud::UsGov => Some(include_str!("../../../data/sample/shape-usgov.csv")),
        Cloud::China => Some(include_str!("../../../data/sample/shape-china.csv")),
        Cloud::Germany => None,
    }
}

/// The sample snapshot of `cloud`, as the bytes of a service-tags file; `None` if there is none ([`CLOUDS`]).
///
/// The same bytes every time: nothing in it depends on a clock, on chance or on the machine. The Public one takes
/// a few milliseconds to make in an optimised build.
///
/// ```
/// use tagwall::tags::{Cloud, sample::sample_json};
/// let json = sample_json(Cloud::China).expect("there is a sample of China");
/// let file: serde_json::Value = serde_json::from_slice(&json)?;
/// assert_eq!(file["cloud"], "China");
/// assert!(file["values"].as_array().is_some_and(|tags| tags.len() > 300));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn sample_json(cloud: Cloud) -> Option<Vec<u8>> {
    let shape = Shape::parse(table(cloud)?);
    let v4 = prefixes(&shape, &draw::V4);
    let v6 = prefixes(&shape, &draw::V6);
    Some(json::write(cloud.file_code(), &shape, &v4, &v6))
}

/// The prefixes of every row of `shape` in one family, each list ascending.
fn prefixes<A: Address>(shape: &Shape, family: &Family) -> Vec<Vec<Prefix<A>>> {
    let asks = demands::collect(shape, family);
    let mut lists = layout::place(shape, family, &asks);
    for list in &mut lists {
        list.sort_unstable();
    }
    // Last, because a tag inside another is cut from what the other was given.
    carve::carve(shape, family, &mut lists);
    lists
}
