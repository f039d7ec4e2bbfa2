# What continuous integration runs.
check:
    .ci/run

# Takes new output of the golden tests over. Read the difference before committing it.
bless:
    TAGWALL_BLESS=1 cargo test --test golden --test workloads

# Benchmarks on real snapshots: TAGWALL_SHARED names the folder of shared data.
bench *ARGS:
    cargo bench {{ARGS}}

# Remakes the table from catalogue row to target in docs/workloads.md.
docs:
    cargo run --example workload_table > docs/workloads.md
