//! Where explained packets go, held against the Linux kernel's own look-up: the same routes in a network namespace that leads
//! nowhere, and `ip route get fibmatch` for each address. No packet is sent. Where the machine allows no namespace, the
//! test says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tagwall::analyse::{Asked, Explainer, Far};
use tagwall::packet::{Direction, Ports, Protocol};
use tagwall::read::live::read_live;
use tagwall::tags::Cloud;

use crate::support;

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Hops, each as a gateway that the kernel can name, and as we say it.
const HOPS: [(&str, &str, &str); 5] = [
    ("Internet", "192.0.0.1", "Internet"),
    ("VnetLocal", "192.0.0.2", "VnetLocal"),
    ("None", "192.0.0.3", "None"),
    ("VirtualAppliance 10.20.255.4", "192.0.0.4", "VirtualAppliance"),
    ("VirtualAppliance 10.20.255.5", "192.0.0.5", "VirtualAppliance"),
];

/// What Azure has by itself in a network of 10.20.0.0/16, by the documentation of user-defined routes.
const SYSTEM: [(&str, &str); 6] = [
    ("0.0.0.0/0", "192.0.0.1"),
    ("10.0.0.0/8", "192.0.0.3"),
    ("100.64.0.0/10", "192.0.0.3"),
    ("172.16.0.0/12", "192.0.0.3"),
    ("192.168.0.0/16", "192.0.0.3"),
    ("10.20.0.0/16", "192.0.0.2"),
];

/// A prefix near others, so that they nest.
fn prefix(dice: &mut Dice) -> (u32, u32) {
    let bases = [0x0a14_0000_u32, 0x0a00_0000, 0xcb00_7100, 0xc633_6400, 0x1400_0000, 0xac10_0000];
    let length = [0, 8, 12, 16, 20, 24, 25, 28, 30, 31, 32][dice.roll(11)];
    let address = bases[dice.roll(6)] | dice.roll(1 << 12) as u32;
    (if length == 0 { 0 } else { address & (u32::MAX << (32 - length)) }, length)
}

/// What the kernel says of each address: the prefix and the gateway of its route; none where it may not be asked.
fn asked_of_the_kernel(routes: &[(String, &str)], addresses: &[Ipv4Addr]) -> Option<Vec<(String, String)>> {
    let mut batch = String::from("link set lo up\n");
    // A route of the table wins over one of the system for the same prefix.
    for (prefix, gateway) in SYSTEM {
        writeln!(batch, "route add {prefix} via {gateway} dev lo onlink metric 9").expect("a string");
    }
    for (prefix, gateway) in routes {
        writeln!(batch, "route add {prefix} via {gateway} dev lo onlink metric 5").expect("a string");
    }
    for address in addresses {
        writeln!(batch, "route get fibmatch {address}").expect("a string");
    }
    let mut child = Command::new("unshare")
        .args(["--map-root-user", "--net", "ip", "-4", "-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().expect("it is piped").write_all(batch.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        // A route that the kernel refuses would make the test say nothing; a namespace that is refused is none.
        assert!(!errors.contains("Command failed"), "{errors}");
        return None;
    }
    let answers = String::from_utf8_lossy(&output.stdout).into_owned();
    let one = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let gateway = words.iter().position(|word| *word == "via").map(|at| words[at + 1])?;
        let prefix = if words[0] == "default" { "0.0.0.0/0" } else { words[0] };
        let prefix = if prefix.contains('/') { prefix.to_owned() } else { format!("{prefix}/32") };
        Some((prefix, gateway.to_owned()))
    };
    let answers: Vec<(String, String)> = answers.lines().filter_map(one).collect();
    assert_eq!(answers.len(), addresses.len(), "{errors}");
    Some(answers)
}

/// A table of random routes, each prefix once.
fn table(dice: &mut Dice) -> BTreeMap<(u32, u32), usize> {
    (0..1 + dice.roll(14)).map(|_| (prefix(dice), dice.roll(HOPS.len()))).collect()
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn explained_packets_go_where_the_kernel_sends_them() {
    let mut dice = Dice(53);
    let snapshot = support::sample(Cloud::Public);
    let mut asked = 0;
    for _ in 0..60 {
        let table = table(&mut dice);
        let text = |(address, length): (u32, u32)| format!("{}/{length}", Ipv4Addr::from(address));
        let mut addresses: Vec<Ipv4Addr> = Vec::new();
        for &(first, length) in table.keys() {
            let size = 1_u64 << (32 - length);
            let ends = [
                u64::from(first),
                u64::from(first) + size - 1,
                u64::from(first) + size,
                u64::from(first) + size / 2,
            ];
            let plain = ends.into_iter().filter_map(|end| u32::try_from(end).ok()).map(Ipv4Addr::from);
            // The kernel keeps these to itself, and so does Azure.
            addresses.extend(plain.filter(|a| {
                !a.is_loopback() && !a.is_multicast() && !a.is_unspecified() && a.octets()[0] < 224
            }));
        }
        addresses.extend((0..20).map(|_| Ipv4Addr::from(prefix(&mut dice).0 | 1)));
        addresses.retain(|address| address.octets()[0] != 0 && *address != Ipv4Addr::new(168, 63, 129, 16));
        let routes: Vec<(String, &str)> =
            table.iter().map(|(&prefix, &hop)| (text(prefix), HOPS[hop].1)).collect();
        let Some(answers) = asked_of_the_kernel(&routes, &addresses) else {
            eprintln!("skipped: no network namespace may be made here, or there is no `unshare` or `ip`");
            return;
        };
        let own: Vec<Value> = table
            .iter()
            .zip(0..)
            .map(|((&prefix, &hop), at)| {
                let address = HOPS[hop].0.split(' ').nth(1);
                json!({ "name": format!("r{at}"), "properties": { "addressPrefix": text(prefix),
                    "nextHopType": HOPS[hop].2, "nextHopIpAddress": address } })
            })
            .collect();
        let files = json!([
            { "type": "Microsoft.Network/virtualNetworks", "name": "v", "properties": {
                "addressSpace": { "addressPrefixes": ["10.20.0.0/16"] },
                "subnets": [{ "name": "s", "properties": { "addressPrefix": "10.20.1.0/24",
                    "routeTable": { "id": "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/routeTables/t" } } }] } },
            { "type": "Microsoft.Network/routeTables", "name": "t",
                "id": "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/routeTables/t",
                "properties": { "routes": own } }
        ]);
        let live = read_live(&[("all.json", files.to_string().as_bytes())]).expect("it is read");
        let explainer = Explainer::new(&live, &snapshot, None);
        for (address, (prefix, gateway)) in addresses.iter().zip(answers) {
            let found = explainer
                .packet(&Asked {
                    direction: Direction::Outbound,
                    subnet: Some("s".to_owned()),
                    near: Some("10.20.1.4".parse().expect("an address")),
                    far: Far::Address(IpAddr::V4(*address)),
                    protocol: Protocol::Tcp,
                    ports: "443".parse::<Ports>().expect("a port"),
                })
                .expect("the routes are read")
                .expect("the subnet holds it");
            let hop = HOPS.iter().find(|(_, own, _)| *own == gateway).expect("one of ours").0;
            let step = found.steps.iter().find(|step| step.at == "route").expect("routes decide");
            assert_eq!(step.because, format!("{address} goes to {hop} by {prefix}"), "{table:?}");
            asked += 1;
        }
    }
    assert!(asked > 2000, "{asked}");
}
