//! Tags that no published file holds: forced by name, said to be unproven, and never taken for a slip of the pen.

use crate::support;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::tags::Cloud;

fn make(more: &str, allow: &str) -> Result<Generation, tagwall::Error> {
    let text = format!(
        "schema = 1\nname = \"outside\"\nregion = \"westeurope\"\n{more}\n\
         network.address-space = [\"10.20.0.0/16\", \"2001:db8::/56\"]\nnetwork.firewall = \"10.20.255.4\"\n\
         subnets.mi.prefixes = [\"10.20.1.0/24\", \"2001:db8::/64\"]\n[[allow]]\nprotocol = \"tcp\"\nports = 443\n{allow}\n"
    );
    let source = support::policy("outside", &text);
    pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), None)
}

fn made(more: &str, allow: &str) -> (Generation, String) {
    let made = make(more, allow).unwrap_or_else(|error| panic!("{allow}: {error}"));
    let listing = support::listing(&made);
    (made, listing)
}

fn refused(allow: &str) -> String {
    make("", allow).expect_err(allow).to_string()
}

#[test]
fn a_known_tag_is_forced_by_name() {
    for formats in ["arm", "bicep", "terraform", "azcli", "csv", "json"] {
        let more = format!("output.formats = [\"{formats}\"]\nnsg.tags = \"expand\"");
        let (generation, listing) = made(&more, "from = \"tag:corpnetsaw\"");
        assert!(listing.contains("nsg inbound tcp 443 CorpNetSaw -> 10.20.1.0/24"), "{formats}: {listing}");
        assert!(listing.contains("nsg inbound tcp 443 CorpNetSaw -> 2001:db8::/64"), "{formats}: {listing}");
        let report = support::text_of(&generation, "report.md");
        assert!(report.contains("nothing is proven of what they stand for"), "{report}");
        assert!(
            support::text_of(&generation, "manifest.json")
                .contains("\"unproven_tags\": [\n    \"CorpNetSaw\"\n  ]")
        );
        assert!(
            generation.notes.iter().any(|note| note.starts_with("warning: CorpNetSaw")),
            "{:?}",
            generation.notes
        );
    }
    // Not a word of it where nothing is forced.
    let (plain, _) = made("", "to = \"tag:Storage.westeurope\"");
    assert!(!support::text_of(&plain, "manifest.json").contains("unproven"));
    assert!(plain.notes.is_empty());
}

#[test]
fn a_rule_for_it_is_missed_and_another_is_found() {
    let (generation, _) = made("", "from = \"tag:CorpNetSaw\"");
    let snapshot = support::sample(Cloud::Public).with_outside(generation.policy.outside());
    let nsg = support::text_of(&generation, "nsg.arm.json");
    for (from, to) in [("\"CorpNetSaw\"", "\"Storage\""), ("\"443\"", "\"444\""), ("\"Allow\"", "\"Deny\"")] {
        let broken = nsg.replacen(from, to, 1);
        assert_ne!(nsg, broken);
        let proof = support::prove_with(&generation, &snapshot, "nsg.arm.json", broken.as_bytes());
        assert!(!proof.is_success(), "{from} to {to}");
    }
}

#[test]
fn each_target_takes_what_it_takes() {
    let (_, listing) = made("", "to = \"tag:Office365.Skype.Optimize\"");
    assert!(listing.contains("network [Tcp] 443 -> Office365.Skype.Optimize"), "{listing}");
    assert!(listing.contains("not on nsg: "), "{listing}");
    let (_, listing) = made("firewall.rules = \"classic\"", "to = \"tag:Office365.Skype.Optimize\"");
    assert!(listing.contains("not on firewall: ") && !listing.contains("network [Tcp]"), "{listing}");
    let (_, listing) = made("", "to = \"tag:CorpNetPublic\"");
    assert!(listing.contains("nsg outbound tcp 443 10.20.1.0/24 -> CorpNetPublic"), "{listing}");
    assert!(listing.contains("not on firewall: "), "{listing}");
    // Of a name that nobody knows, both are tried.
    let (_, listing) =
        made("", "to = \"group:new\"\n[groups]\nnew = [\"tag:ContosoEdge.WestEurope\", \"203.0.113.0/24\"]");
    assert!(listing.contains("-> ContosoEdge.WestEurope") && listing.contains("203.0.113.0/24"), "{listing}");
    let lists = made("output.formats = [\"lists\"]", "to = [\"tag:CorpNetPublic\", \"203.0.113.0/24\"]").0;
    let all: Vec<&str> = lists.files.iter().map(|file| file.name.as_str()).collect();
    assert!(!all.iter().any(|name| name.contains("CorpNet")), "no list of what is not known: {all:?}");
}

#[test]
fn what_is_known_comes_before_names_that_look_alike() {
    for (text, has, lacks) in [
        ("AzureDatabricksServerless", "is another set of addresses", "did you mean"),
        ("tag:AzureDatabricksServerless", "neither NSGs nor firewalls take it", "did you mean"),
        ("AzureDatabricksServerless.westeurope", "no published file holds it", "did you mean"),
        ("CorpNetSaw", "write `tag:CorpNetSaw`", "did you mean"),
        ("AzureFrontDoor", "there is no bare tag", "AzureMonitor"),
        ("tag:AzureFrontDoor", "there is no bare tag", "AzureMonitor"),
        ("AzureContainerAppsService", "no published file has held it", "AzureContainerRegistry"),
        ("AzureContainerAppsService.UKWest", "no published file has held it", "AzureContainerRegistry"),
        ("GenevaActions", "the tag was withdrawn", "CopilotActions"),
        ("Storage.uknorth", "UK North is a former region", "did you mean"),
        ("Storrage", "did you mean Storage?", "Sql"),
        ("tag:Storrage", "did you mean Storage?", "Sql"),
        ("Storrage.westeurop", "did you mean Storage.WestEurope", "Sql"),
        ("Office365.Skype.Optimize", "write `fqdn-tag:Office365.Skype.Optimize`", "fqdn:Office365"),
        ("CompletelyOther", "has no tag `CompletelyOther`", "did you mean"),
    ] {
        let error = refused(&format!("to = \"{text}\""));
        assert!(error.contains(has), "{text}: {error}");
        assert!(!error.contains(lacks), "{text}: {error}");
    }
    assert!(
        refused("to = \"tag:CorpNetSaw\"\nexcept = \"203.0.113.0/24\"").contains("nothing can be taken out")
    );
}
