//! Shorter lists at their borders: several sources of one rule, lists on the other side.

use crate::support;
use tagwall::Error;
use tagwall::addr::Count;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::OverLimit;
use tagwall::tags::Cloud;

/// Three prefixes that two hold with one extra address.
const NEAR: &str = "[\"20.33.16.0/31\", \"20.33.16.2\", \"20.33.16.8\"]";

fn attempt(settings: &str, needs: &str) -> Result<Generation, Error> {
    let text = format!(
        "schema = 1\nname = \"tight\"\nregion = \"westeurope\"\naccept-missing = true\n\
         network.address-space = [\"10.20.0.0/16\"]\nnetwork.firewall = \"10.20.255.4\"\n{settings}\n{needs}"
    );
    let source = support::policy("tight.toml", &text);
    pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), None)
}

fn made(settings: &str, needs: &str) -> Generation {
    attempt(settings, needs).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(settings: &str, needs: &str) -> OverLimit {
    match attempt(settings, needs) {
        Err(Error::Limit(over)) => over,
        Err(other) => panic!("{other}"),
        Ok(made) => panic!("made, with {:?}", made.plan.extras),
    }
}

fn have(made: &Generation, key: &str) -> u64 {
    let own = made.plan.usage.iter().filter(|usage| usage.key.name() == key);
    own.map(|usage| usage.have).max().unwrap_or_else(|| panic!("{key} is counted"))
}

/// Each prefix of a subnet makes a pair with each of the list.
#[test]
fn a_rule_of_two_sources_counts_each_entry_twice() {
    let settings = |more: &str| {
        format!(
            "subnets.a.prefixes = [\"10.20.1.0/24\", \"10.20.3.0/24\"]\nfirewall.ip-groups = \"never\"\n{more}"
        )
    };
    let need = format!("[[allow]]\nto = {NEAR}\nprotocol = \"tcp\"\nports = 443\n");
    assert_eq!(have(&made(&settings(""), &need), "firewall-unique-pairs"), 6);
    for limit in [5, 4] {
        let tight = format!("limits.firewall-unique-pairs = {limit}\n");
        assert_eq!(refused(&settings(&tight), &need).max_extra(), Some(Count::from(1_u64)));
        let made = made(&settings(&format!("{tight}precision.max-extra = 1\n")), &need);
        assert_eq!(have(&made, "firewall-unique-pairs"), 4);
    }
}

/// A list of senders is as good to be widened as one of receivers.
#[test]
fn lists_of_senders_are_widened_too() {
    let settings = |more: &str| format!("subnets.a.prefixes = [\"10.20.1.0/24\"]\n{more}");
    let need =
        format!("[[allow]]\ndirection = \"inbound\"\nfrom = {NEAR}\nprotocol = \"tcp\"\nports = 443\n");
    let exact = have(&made(&settings(""), &need), "nsg-source-prefixes");
    let tight = format!("limits.nsg-source-prefixes = {}\n", exact - 1);
    assert_eq!(refused(&settings(&tight), &need).max_extra(), Some(Count::from(1_u64)));
    let made = made(&settings(&format!("{tight}precision.max-extra = 1\n")), &need);
    assert_eq!(have(&made, "nsg-source-prefixes"), exact - 1);
}
