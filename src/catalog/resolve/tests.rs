//! Choices that resolving makes, on the built-in catalogue.

use super::*;
use crate::catalog::Catalog;
use crate::tags::{Cloud, Regions};

struct Ask {
    cloud: Cloud,
    region: &'static str,
    prefer: Prefer,
    options: BTreeMap<String, OptionValue>,
    without: Vec<String>,
    with: Vec<String>,
}

fn ask(region: &'static str, prefer: Prefer) -> Ask {
    let cloud = Cloud::ALL.into_iter().find(|&cloud| Regions::of(cloud).find(region).is_some()).unwrap();
    let (options, without, with) = (BTreeMap::new(), Vec::new(), Vec::new());
    Ask { cloud, region, prefer, options, without, with }
}

impl Ask {
    fn set(mut self, option: &str, value: OptionValue) -> Self {
        self.options.insert(option.to_owned(), value);
        self
    }

    fn on(self, option: &str) -> Self {
        self.set(option, OptionValue::Bool(true))
    }

    fn without(mut self, id: &str) -> Self {
        self.without.push(id.to_owned());
        self
    }

    fn with(mut self, id: &str) -> Self {
        self.with.push(id.to_owned());
        self
    }

    fn of(&self, workload: &str) -> Result<Resolved, Vec<ResolveError>> {
        let regions = Regions::of(self.cloud);
        Catalog::builtin().workload(workload).unwrap().resolve(&Context {
            cloud: self.cloud,
            region: regions.find(self.region).unwrap(),
            regions,
            options: &self.options,
            prefer: self.prefer,
            without: &self.without,
            with: &self.with,
            as_of: Catalog::version(),
        })
    }

    fn ids(&self, workload: &str) -> Vec<String> {
        self.of(workload).unwrap().rows.into_iter().map(|r| r.id).collect()
    }

    fn errors(&self, workload: &str) -> String {
        let errors = self.of(workload).unwrap_err();
        errors.iter().map(ResolveError::to_string).collect::<Vec<_>>().join("\n")
    }
}

fn row<'r>(rows: &'r [ResolvedRow], id: &str) -> &'r ResolvedRow {
    rows.iter().find(|r| r.id == id).unwrap_or_else(|| panic!("no {id} in {rows:#?}"))
}

#[test]
fn tags_or_hosts() {
    let tags = ["aml-o1", "aml-o2", "aml-o3", "aml-o4", "aml-f2/tag"];
    assert_eq!(ask("westeurope", Prefer::Auto).ids("aml-compute"), tags);
    assert_eq!(ask("westeurope", Prefer::Tags).ids("aml-compute"), tags);
    let hosts =
        ["aml-f1", "aml-f10", "aml-f2", "aml-f3", "aml-f9", "aml-f4", "aml-f5", "aml-f6", "aml-f7", "aml-f8"];
    assert_eq!(ask("westeurope", Prefer::Fqdns).ids("aml-compute"), hosts);
    let both = ask("westeurope", Prefer::Both).ids("aml-compute");
    assert_eq!(both.len(), tags.len() + hosts.len());
    // No hosts of Azure Batch are documented for China, so that its tag stays.
    let china = ask("chinaeast2", Prefer::Fqdns).ids("aml-compute");
    assert_eq!(china, ["aml-o3", "aml-f1", "aml-f2", "aml-f3", "aml-f9", "aml-f6", "aml-f7", "aml-f8"]);
}

#[test]
fn hosts_name_the_tag_rows_that_cover_them() {
    let resolved = ask("westeurope", Prefer::Fqdns).of("aml-compute").unwrap();
    assert_eq!(row(&resolved.rows, "aml-f6").covered_by, ["aml-o4"]);
    assert_eq!(row(&resolved.rows, "aml-f2").covered_by, ["aml-f2/tag"]);
    let replaced: Vec<&str> = resolved.replaced.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(replaced, ["aml-o1", "aml-o2", "aml-o3", "aml-o4", "aml-f2/tag"]);
    assert_eq!(row(&resolved.replaced, "aml-o4").need.to_string(), "Storage.WestEurope");
    let o2 = resolved.skipped.iter().find(|s| s.id == "aml-o2").unwrap();
    assert_eq!(o2.why.reason(), SkipReason::Style);
    assert_eq!(o2.why.to_string(), "hosts are preferred: aml-f1, aml-f10");
    let resolved = ask("westeurope", Prefer::Both).of("aml-training-internet").unwrap();
    assert_eq!(row(&resolved.rows, "tr-2c").covered_by, ["tr-2/udp"], "by protocol");
}

#[test]
fn a_cloud_without_the_tag() {
    let usgov = ask("usgovvirginia", Prefer::Auto).of("aml-training-internet").unwrap();
    let skipped = usgov.skipped.iter().find(|s| s.id == "tr-8").unwrap();
    assert!(skipped.why.to_string().contains("public cloud only"), "{}", skipped.why);
    assert!(!usgov.rows.iter().any(|r| r.row == "tr-7a"), "tr-7 still covers the hosts");
    // Studio has a host in China, and no tag.
    let china = ask("chinaeast2", Prefer::Auto).of("aml-workspace").unwrap();
    assert_eq!(row(&china.rows, "ws-3").need.to_string(), "fqdn:studio.ml.azure.cn");
    assert!(row(&china.rows, "ws-3").covered_by.is_empty());
}

#[test]
fn rows_with_several_parts() {
    let all = ask("eastus", Prefer::Auto).on("vscode").ids("aml-training-internet");
    for id in ["tr-2/tcp", "tr-2/udp", "vs-1/code.visualstudio.com", "tr-7"] {
        assert!(all.iter().any(|found| found == id), "{id} in {all:?}");
    }
    let group = ask("eastus", Prefer::Auto).ids("aml-hdinsight");
    assert!(
        group.contains(&"hd-2/HDInsight.EastUS".into()) && group.contains(&"hd-2/HDInsight.WestUS".into())
    );
    assert_eq!(group.iter().filter(|id| id.starts_with("hd-2/")).count(), 2);
    let new = ask("italynorth", Prefer::Auto).ids("hdinsight");
    assert!(new.contains(&"hd-2/HDInsight".into()), "{new:?}");
}

#[test]
fn routes_and_pairs() {
    let regional = OptionValue::Text("regional".into());
    let needs = |region| {
        let ask = ask(region, Prefer::Auto).on("public-ip").set("return-route", regional.clone());
        let rows = ask.of("aml-compute").unwrap().rows;
        let routes = rows.into_iter().filter(|r| matches!(r.need, RowNeed::Route { .. }));
        routes.map(|r| (r.need.to_string(), r.notes)).collect::<Vec<_>>()
    };
    let pair = needs("norwayeast");
    assert_eq!(pair[0].0, "AzureMachineLearning.NorwayEast -> internet");
    assert_eq!(pair[1].0, "AzureMachineLearning.NorwayWest -> internet");
    let alone = needs("italynorth");
    assert_eq!(alone.len(), 1);
    assert!(alone[0].1.iter().any(|note| note.contains("no paired region of Italy North")));
}

#[test]
fn rows_are_switched_off_and_on() {
    let resolved = ask("westeurope", Prefer::Auto).without("tr-12").of("aml-training-internet").unwrap();
    let skipped = resolved.skipped.iter().find(|s| s.id == "tr-12").unwrap();
    assert_eq!(skipped.why.to_string(), "switched off by `without`");
    assert!(!resolved.rows.iter().any(|r| r.row == "tr-12" || r.row == "tr-12a"));
    let part = ask("westeurope", Prefer::Auto).without("tr-2/udp").of("aml-training-internet").unwrap();
    assert!(part.rows.iter().any(|r| r.id == "tr-2/tcp") && !part.rows.iter().any(|r| r.id == "tr-2/udp"));
    assert!(part.skipped.iter().any(|s| s.id == "tr-2/udp"));
    let with = ask("westeurope", Prefer::Auto).with("aml-i2").with("aml-f6").ids("aml-compute");
    assert!(
        with.contains(&"aml-i2".into()) && with.contains(&"aml-f6".into()) && with.contains(&"aml-o4".into())
    );
    assert!(ask("westeurope", Prefer::Auto).with("hd-o4-tag").ids("hdinsight").contains(&"hd-o4-tag".into()));
}

#[test]
fn everything_wrong_at_once() {
    let text = |t: &str| OptionValue::Text(t.to_owned());
    let errors = ask("westeurope", Prefer::Auto)
        .on("publc-ip")
        .set("return-route", text("regoinal"))
        .set("public-ip", text("yes"))
        .without("aml-o9")
        .with("aml-x")
        .errors("aml-compute");
    assert_eq!(errors.lines().count(), 5, "{errors}");
    for part in [
        "no option `publc-ip`; did you mean public-ip?",
        "`return-route` of workload aml-compute is one of global, regional; did you mean regional?",
        "`public-ip` of workload aml-compute is true or false",
        "`without`: workload aml-compute has no row `aml-o9`; did you mean",
        "`with`: workload aml-compute has no row `aml-x`",
    ] {
        assert!(errors.contains(part), "{part} in {errors}");
    }
    let errors = ask("westeurope", Prefer::Auto).with("hd-o6").errors("hdinsight");
    assert_eq!(errors, "workload hdinsight: option `domain-controllers` has to be given for row hd-o6");
    let list = OptionValue::List(vec!["my account".into(), "x/y".into()]);
    let errors = ask("westeurope", Prefer::Auto).set("storage-accounts", list).errors("hdinsight");
    assert!(errors.contains("row hd-o4") && errors.lines().count() == 2, "{errors}");
    let errors = ask("westeurope", Prefer::Auto).without("tr-2/icmp").errors("aml-training-internet");
    assert!(errors.contains("did you mean tr-2/tcp"), "{errors}");
    let errors = ask("westeurope", Prefer::Auto).set("ssh-port", text("70000")).errors("aml-vm");
    assert!(errors.contains("one port from 0 to 65535"), "{errors}");
}

#[test]
fn managed_rules_and_endpoint_policies() {
    let off = OptionValue::Bool(false);
    let plain = ask("westeurope", Prefer::Auto).of("databricks").unwrap();
    let open = ask("westeurope", Prefer::Auto).set("scc", off).of("databricks").unwrap();
    assert_eq!((plain.managed.len(), open.managed.len()), (6, 8));
    let ids = OptionValue::List(vec!["/subscriptions/s/a".into()]);
    let compute = ask("westeurope", Prefer::Auto).set("storage-account-ids", ids).of("aml-compute").unwrap();
    let definitions = &compute.endpoint_policies[0].definitions;
    assert_eq!(definitions[0], ("Global".into(), vec!["/services/Azure/MachineLearning".into()]));
    assert_eq!(definitions[1].1, ["/subscriptions/s/a"]);
    assert!(compute.risks.iter().any(|risk| risk.id == "storage-exfiltration"));
}

#[test]
fn an_option_may_spoil_a_port() {
    let file = "name = \"x\"\ntitle = \"t\"\nsummary = \"s\"\n[[option]]\nname = \"p\"\nkind = \"port\"\nhelp = \"h\"\n\
        [[row]]\nid = \"a\"\ndirection = \"outbound\"\ntags = \"Sql\"\nflows = \"tcp 44{option:p}\"\n\
        purpose = \"p\"\nsource = \"our own\"";
    let catalog = Catalog::builtin().extended(&[("x.toml".into(), file.into())]).unwrap();
    let resolve = |port: &str| {
        let ask = ask("westeurope", Prefer::Auto).set("p", OptionValue::Text(port.into()));
        let regions = Regions::of(ask.cloud);
        catalog.workload("x").unwrap().resolve(&Context {
            cloud: ask.cloud,
            region: regions.find(ask.region).unwrap(),
            regions,
            options: &ask.options,
            prefer: ask.prefer,
            without: &[],
            with: &[],
            as_of: Catalog::version(),
        })
    };
    assert_eq!(resolve("3").unwrap().rows[0].ports.to_string(), "443");
    assert!(resolve("65535").unwrap_err()[0].to_string().contains("`4465535` is not understood"));
}
