//! What a process uses, as Linux tells it; nothing elsewhere.

use std::fs;

/// What this process uses.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Usage {
    pub(super) cpu_seconds: f64,
    pub(super) resident_bytes: f64,
    pub(super) virtual_bytes: f64,
    pub(super) open_files: f64,
    pub(super) most_files: f64,
    pub(super) start_seconds: f64,
}

/// What it uses now, where the system tells.
pub(super) fn usage() -> Option<Usage> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    let usage = parse(&stat, &boot, &limits, units())?;
    Some(Usage { open_files: open as f64, ..usage })
}

/// Ticks a second, and bytes a page.
fn units() -> (f64, f64) {
    #[cfg(unix)]
    return (rustix::param::clock_ticks_per_second() as f64, rustix::param::page_size() as f64);
    #[cfg(not(unix))]
    (100.0, 4096.0)
}

fn parse(stat: &str, boot: &str, limits: &str, (ticks, page): (f64, f64)) -> Option<Usage> {
    // The name of the program may hold anything; behind its last parenthesis stand numbers. The first of them is the third field.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let boot: f64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    Some(Usage {
        cpu_seconds: (field(14)? + field(15)?) / ticks,
        start_seconds: boot + field(22)? / ticks,
        virtual_bytes: field(23)?,
        resident_bytes: field(24)? * page,
        most_files: files.split_whitespace().next()?.parse().unwrap_or(f64::INFINITY),
        open_files: 0.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_any_name() {
        let numbers: Vec<String> = (4..=40).map(|n| n.to_string()).collect();
        let stat = format!("77 (odd ) name) S {}", numbers.join(" "));
        let usage =
            parse(&stat, "cpu 1\nbtime 1000\n", "Max open files   1024   4096   files\n", (10.0, 100.0));
        let wanted = Usage {
            cpu_seconds: 2.9,
            start_seconds: 1002.2,
            virtual_bytes: 23.0,
            resident_bytes: 2400.0,
            most_files: 1024.0,
            open_files: 0.0,
        };
        assert_eq!(usage, Some(wanted));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        let usage = usage().expect("Linux tells");
        assert!(
            usage.resident_bytes > 1e5 && usage.open_files >= 1.0 && usage.start_seconds > 1e9,
            "{usage:?}"
        );
    }
}
