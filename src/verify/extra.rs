//! What a generation declares to admit beyond what was asked for: within the policy's budget, and never where it
//! must not be. The rules are then held against exactly what is asked for and declared.

use std::collections::HashSet;
use std::sync::Arc;

use super::report::{FailureKind, Report};
use crate::addr::{AddrSet, Count};
use crate::plan::{Extra, extra_of};
use crate::policy::{Policy, Remote, short_list};
use crate::target::{FormatName, Target};

/// Proves of `extras` themselves that the policy allows them.
pub(super) fn check(policy: &Policy, extras: &[Extra], format: &str, report: &mut Report) {
    let Some(first) = extras.first() else { return };
    let total: Count = extras.iter().map(|extra| extra.addresses.count()).sum();
    if total > policy.precision.max_extra {
        let text = format!(
            "{total} extra addresses are declared, but precision.max-extra is {}",
            policy.precision.max_extra
        );
        report.fail(first.target, format, FailureKind::Excess, text);
    }
    let never = policy.never_extra();
    for extra in extras {
        let mut fail = |kind, text| report.fail(extra.target, format, kind, text);
        let both = extra.addresses.intersection(&never);
        if !both.is_empty() {
            let text =
                format!("extra for {} holds {}, which is never let through", extra.remote, short_list(&both));
            fail(FailureKind::Excess, text);
        }
        if extra.flows.is_empty() {
            fail(FailureKind::Invalid, format!("extra for {} belongs to no need", extra.remote));
        }
        if extra.target == Target::Lists && !policy.output.formats.contains(&FormatName::Edl) {
            let text = format!("extra for {} in lists that no firewall fetches", extra.remote);
            fail(FailureKind::Invalid, text);
        }
        for text in extra.flows.iter().filter_map(|flow| wrong_flow(policy, extra, flow)) {
            fail(FailureKind::Excess, text);
        }
        if extra.target == Target::RouteTable {
            let both = extra.addresses.intersection(&kept_routes(policy, &extra.flows));
            if !both.is_empty() {
                let text =
                    format!("{} is asked for, but goes to {} as an extra", short_list(&both), extra.remote);
                fail(FailureKind::Misrouted, text);
            }
        }
    }
}

/// What is wrong with extra addresses as those of one flow or route.
fn wrong_flow(policy: &Policy, extra: &Extra, flow: &str) -> Option<String> {
    let is_route = policy.routes.iter().any(|need| need.id == flow);
    let listed =
        |flow: &str| policy.listed(flow).filter(|_| is_route == (extra.target == Target::RouteTable));
    let Some(asked) = listed(flow) else {
        return Some(format!("{flow} has no list of addresses that could be widened"));
    };
    // One entry is paid for once, so it must be one list that is widened.
    let of_family = |set: &AddrSet| AddrSet {
        v4: if extra.addresses.v4.is_empty() { Default::default() } else { set.v4.clone() },
        v6: if extra.addresses.v6.is_empty() { Default::default() } else { set.v6.clone() },
    };
    let first = listed(extra.flows.first()?)?;
    (!is_route && of_family(&asked) != of_family(&first))
        .then(|| format!("{flow} asks for other addresses than {}, but shares its extra", extra.flows[0]))
}

/// What flows ask for that no route of `own` leads to: it keeps its way.
fn kept_routes(policy: &Policy, own: &[String]) -> AddrSet {
    let own: HashSet<&str> = own.iter().map(String::as_str).collect();
    let flows =
        policy.flows.iter().filter(|flow| matches!(flow.remote, Remote::Tag(_) | Remote::Addresses(_)));
    let flows = flows.filter_map(|flow| policy.listed(flow.id.as_str()));
    let others = policy.routes.iter().filter(|need| !own.contains(need.id.as_str()));
    let others = others.filter_map(|need| policy.listed(&need.id));
    let asked: Vec<AddrSet> = flows.chain(others).collect();
    let led = policy.routes.iter().filter(|need| own.contains(need.id.as_str()));
    let led: Vec<AddrSet> = led.filter_map(|need| policy.listed(&need.id)).collect();
    AddrSet::union_of(&asked).difference(&AddrSet::union_of(&led))
}

/// `asked` with the extra addresses that `target` is declared to admit for `flow`.
pub(super) fn with_extra(asked: AddrSet, extras: &[Extra], target: Target, flow: &str) -> Arc<AddrSet> {
    let extra = extra_of(extras, target, flow);
    Arc::new(if extra.is_empty() { asked } else { asked.union(&extra) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::IpPrefix;
    use crate::catalog::Catalog;
    use crate::policy::{PolicySource, expand};
    use crate::tags::{Cloud, Snapshot, sample};

    fn set(texts: &[&str]) -> AddrSet {
        texts.iter().map(|text| text.parse::<IpPrefix>().expect("a prefix")).collect()
    }

    fn policy() -> Policy {
        let text = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n[network]\naddress-space = [\"10.20.0.0/16\", \"fd00:20::/48\"]\n\
            firewall = [\"10.20.255.4\", \"fd00:20:0:ff::4\"]\n[subnets.s]\nprefixes = [\"10.20.1.0/24\", \"fd00:20:0:1::/64\"]\n\
            [precision]\nmax-extra = 8\n\
            [[allow]]\nto = [\"198.51.100.0/28\", \"2001:db8::/64\"]\nprotocol = \"tcp\"\nports = 443\n\
            [[allow]]\nto = [\"198.51.100.0/28\", \"2001:db8:1::/64\"]\nprotocol = \"udp\"\nports = 443\n\
            [[route]]\nto = \"203.0.113.0/28\"\nnext-hop = \"internet\"\n\
            [[route]]\nto = \"203.0.113.32/28\"\nnext-hop = \"internet\"\n\
            [[allow]]\nto = [\"198.51.100.64/28\", \"2001:db8::/64\"]\nprotocol = \"udp\"\nports = 80\n";
        let source = PolicySource::read("e.toml", text).map_err(|e| panic!("{e}")).unwrap();
        let snapshot =
            Snapshot::parse(&sample::sample_json(Cloud::Public).expect("a sample")).expect("it is read");
        expand(&source, Catalog::builtin(), &snapshot).map_err(|e| panic!("{e}")).unwrap()
    }

    fn extra(target: Target, flows: &[&str], addresses: &[&str]) -> Extra {
        Extra {
            target,
            flows: flows.iter().map(|flow| (*flow).to_owned()).collect(),
            remote: "r".into(),
            addresses: set(addresses),
            exact: 2,
            written: 1,
            limit: None,
        }
    }

    fn found(extras: &[Extra]) -> Vec<String> {
        let mut report = Report::default();
        check(&policy(), extras, "arm", &mut report);
        report.failures.iter().map(|failure| failure.text.clone()).collect()
    }

    #[track_caller]
    fn assert_found(extras: &[Extra], wanted: &[&str]) {
        let found = found(extras);
        let same =
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(text, part)| text.contains(part));
        assert!(same, "{found:?}, not {wanted:?}");
    }

    #[test]
    fn extras_within_the_budget_and_of_one_list() {
        let policy = policy();
        let of = |service: &str| {
            let mut ids = policy.flows.iter().map(|flow| flow.id.as_str());
            ids.find(|id| id.ends_with(service)).expect("a need")
        };
        let (tcp, udp, web) = (of("tcp 443"), of("udp 443"), of("udp 80"));
        assert_found(&[extra(Target::Nsg, &[tcp], &["198.51.100.16/29"])], &[]);
        assert_found(&[extra(Target::Nsg, &[tcp], &["198.51.100.16/28"])], &["max-extra is 8"]);
        assert_found(&[extra(Target::Nsg, &[], &["198.51.100.16/29"])], &["belongs to no need"]);
        assert_found(&[extra(Target::Nsg, &[tcp], &["10.99.0.0/29"])], &["never let through"]);
        assert_found(&[extra(Target::Nsg, &["x"], &["198.51.100.16/29"])], &["x has no list"]);
        assert_found(&[extra(Target::Lists, &[tcp], &["198.51.100.16/29"])], &["no firewall fetches"]);
        // They ask for the same by IPv4, not by IPv6.
        assert_found(&[extra(Target::Nsg, &[tcp, udp], &["198.51.100.16/29"])], &[]);
        assert_found(
            &[extra(Target::Nsg, &[tcp, udp], &["2001:db8:2::/126"])],
            &["asks for other addresses"],
        );
        // And here by IPv6, not by IPv4.
        assert_found(&[extra(Target::Nsg, &[tcp, web], &["2001:db8:2::/126"])], &[]);
        assert_found(
            &[extra(Target::Nsg, &[tcp, web], &["198.51.100.32/29"])],
            &["asks for other addresses"],
        );
    }

    #[test]
    fn extras_of_routes_take_nothing_that_goes_another_way() {
        let policy = policy();
        let routes: Vec<&str> = policy.routes.iter().map(|need| need.id.as_str()).collect();
        let [first, second] = routes[..] else { panic!("{routes:?}") };
        let of = |flows: &[&str], to: &str| extra(Target::RouteTable, flows, &[to]);
        assert_found(&[of(&[first], "203.0.113.16/29")], &[]);
        assert_found(&[of(&[first], "203.0.113.32/29")], &["203.0.113.32/29 is asked for, but goes to r"]);
        assert_found(&[of(&[first, second], "203.0.113.32/29")], &[]);
        assert_found(&[of(&[first], "198.51.100.0/29")], &["198.51.100.0/29 is asked for"]);
        assert_found(&[extra(Target::Nsg, &[first], &["203.0.113.16/29"])], &["has no list"]);
    }
}
