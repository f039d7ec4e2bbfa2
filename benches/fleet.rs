//! A fleet: how long thousands of environments take, and how much memory, beside one process for each of them.
//!
//! `cargo bench --bench fleet` prints a table: the time of a first run, for each environment, on one core and on all; the
//! most memory; a second run without changes; and `tagwall generate` once for each of 50 policies of the same fleet. Behind
//! `--`: how many environments (1000), and the service tags (`sample`), such as `10000 latest`. Files lie in a
//! temporary folder: `TMPDIR` says on which disk. Memory is what Linux has in `VmHWM`, asked for by GNU time.
//!
//! Where `TAGWALL_ACLGEN` names the `aclgen` of aerleon (from its Python package), it makes firewall rules of Google's
//! cloud, its target closest to Azure's, from as many policies that admit the addresses of the same tags, on two cores.
//! It knows no tags, routes or limits of Azure, and proves nothing.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TAGWALL: &str = env!("CARGO_BIN_EXE_tagwall");
const REGIONS: [&str; 6] =
    ["westeurope", "northeurope", "uksouth", "francecentral", "swedencentral", "germanywestcentral"];
const TEMPLATE: &str = r#"schema = 1
region = "westeurope"
[network]
address-space = ["${space}"]
firewall = "10.255.255.4"
[subnets.training]
prefixes = ["${space}"]
[[allow]]
workload = "aml-compute"
subnet = "training"
public-ip = false
[[allow]]
id = "features"
subnet = "training"
to = "Sql.${region}"
protocol = "tcp"
ports = 1433
"#;

fn write_fleet(folder: &Path, count: usize) {
    let mut table = "name,region,space\n".to_owned();
    for n in 0..count {
        let (region, high, low) = (REGIONS[n % REGIONS.len()], n / 256, n % 256);
        writeln!(table, "e{n:05},{region},10.{high}.{low}.0/24").expect("a text has room");
    }
    let write =
        |name: &str, text: &str| fs::write(folder.join(name), text).expect("the folder can be written");
    write("spoke.toml", TEMPLATE);
    write("spokes.csv", &table);
    write("fleet.toml", "schema = 1\ntemplate = \"spoke.toml\"\ntable = \"spokes.csv\"\n");
}

/// Runs a batch; gives the time and the most memory in MB, where GNU time is there to say it.
fn batch(folder: &Path, data: &str, out: &str, jobs: Option<&str>) -> (Duration, Option<f64>) {
    let memory = folder.join("memory");
    let timed = Path::new("/usr/bin/time").exists();
    let mut command = Command::new(if timed { "/usr/bin/time" } else { TAGWALL });
    if timed {
        command.args(["-f", "%M", "-o"]).arg(&memory).arg(TAGWALL);
    }
    command.args(["batch", "fleet.toml", "-q", "--snapshot", data, "--out", out]);
    command.args(jobs.iter().flat_map(|jobs| ["--jobs", jobs]));
    let start = Instant::now();
    let status = command.current_dir(folder).stdout(Stdio::null()).status().expect("tagwall runs");
    let time = start.elapsed();
    assert!(status.success(), "the batch failed");
    let memory = fs::read_to_string(memory).ok().and_then(|text| text.trim().parse::<f64>().ok());
    (time, memory.map(|kib| kib / 1024.0))
}

fn row(what: &str, count: usize, (time, memory): (Duration, Option<f64>)) {
    let seconds = time.as_secs_f64();
    let memory = memory.map_or("–".to_owned(), |mb| format!("{mb:.0} MB"));
    println!("| {what} | {count} | {seconds:.1} s | {:.2} ms | {memory} |", 1000.0 * seconds / count as f64);
}

/// Policies of aerleon for the environments made in `out`: a term for each tag that one uses, with its addresses.
fn write_aerleon(folder: &Path, data: &str, out: &str) -> usize {
    let index = fs::read(folder.join(out).join("index.json")).expect("a batch writes its index");
    let index: serde_json::Value = serde_json::from_slice(&index).expect("the index is JSON");
    let environments = index["environments"].as_array().expect("the index lists environments");
    let upper = |tag: &str| tag.to_uppercase().replace('.', "_");
    let mut names = BTreeSet::new();
    fs::create_dir_all(folder.join("policies/pol")).expect("the folder can be written");
    fs::create_dir_all(folder.join("def")).expect("the folder can be written");
    for environment in environments {
        let name = environment["name"].as_str().expect("an environment has a name");
        let mut text =
            format!("filters:\n- header:\n    targets:\n      gce: {name} EGRESS inet\n  terms:\n");
        for tag in environment["made"]["tags"].as_array().expect("an environment has tags") {
            let tag = tag.as_str().expect("a tag is a name");
            names.insert(tag);
            let (term, list) = (tag.to_lowercase().replace('.', "-"), upper(tag));
            writeln!(text, "  - name: {term}\n    destination-address: {list}\n    protocol: tcp")
                .expect("fits");
            text.push_str("    destination-port: HTTPS\n    action: accept\n");
        }
        fs::write(folder.join(format!("policies/pol/{name}.yaml")), text).expect("the folder can be written");
    }
    let mut text = "services:\n  HTTPS:\n  - {protocol: tcp, port: 443}\nnetworks:\n".to_owned();
    for name in names {
        let list = Command::new(TAGWALL).args(["expand", name, "-4", "--snapshot", data]).output();
        let list = String::from_utf8(list.expect("tagwall runs").stdout).expect("a list is text");
        writeln!(text, "  {}:\n    values:", upper(name)).expect("fits");
        list.lines().for_each(|prefix| writeln!(text, "    - {{address: {prefix}}}").expect("fits"));
    }
    fs::write(folder.join("def/all.yaml"), text).expect("the folder can be written");
    environments.len()
}

fn aerleon(folder: &Path, aclgen: &str) -> (Duration, Option<f64>) {
    fs::create_dir_all(folder.join("out-aerleon")).expect("the folder can be written");
    let mut command = Command::new(aclgen);
    command.args(["--base_directory", "policies", "--definitions_directory", "def"]);
    command.args(["--output_directory", "out-aerleon", "--max_renderers", "2"]);
    let start = Instant::now();
    let done = command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(done.is_ok_and(|status| status.success()), "aclgen failed");
    (start.elapsed(), None)
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let count: usize = args.first().and_then(|arg| arg.parse().ok()).unwrap_or(1000);
    let data = args.get(1).map_or("sample", String::as_str);
    let place = tempfile::tempdir().expect("a folder for the bench");
    let folder = place.path();
    println!("| what | environments | time | for each | most memory |\n|---|---|---|---|---|");
    for part in [count / 10, count] {
        write_fleet(folder, part.max(1));
        let out = format!("out-{part}");
        row("first run", part, batch(folder, data, &out, None));
        row("second run, nothing changed", part, batch(folder, data, &out, None));
    }
    write_fleet(folder, (count / 10).max(1));
    row("first run, one core", count / 10, batch(folder, data, "out-one", Some("1")));
    let processes = 50.min(count / 10);
    let start = Instant::now();
    for n in 0..processes {
        let policy = format!("out-one/e{n:05}/policy.toml");
        let mut command = Command::new(TAGWALL);
        command.args(["generate", &policy, "--snapshot", data, "--out", "out-processes"]);
        let done = command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.is_ok_and(|status| status.success()), "generate failed");
    }
    row("a process for each", processes, (start.elapsed(), None));
    if let Ok(aclgen) = std::env::var("TAGWALL_ACLGEN") {
        let policies = write_aerleon(folder, data, "out-one");
        row("aerleon, addresses of the same tags", policies, aerleon(folder, &aclgen));
    }
}
