# What continuous integration runs.
check:
    .ci/run

# Takes new output of the golden tests over. Read the difference before committing it.
bless:
    TAGWALL_BLESS=1 cargo test --test cases -- golden workloads

# Benchmarks on real snapshots: TAGWALL_SHARED names the folder of shared data.
bench *ARGS:
    cargo bench {{ARGS}}

# Runs each fuzz target for so many seconds, or those that are named; what is found is kept in fuzz/regressions.
fuzz SECONDS="60" *TARGETS:
    fuzz/run.sh {{SECONDS}} {{TARGETS}}

# What must hold however a run ends, counted in full: kills, pairs, every write made to fail, a full disk, publishers
# at once, and every archived week replayed. Needs TAGWALL_SHARED, strace, leave to mount, and the emulators.
reliability:
    tests/tools/emulators.sh target/tools/emulators
    TAGWALL_KILLS=1000 TAGWALL_PAIRS=200 TAGWALL_WRITES=100000 TAGWALL_PUBLISHERS=50 \
    TAGWALL_EMULATORS=target/tools/emulators cargo test --release --features publish-s3,publish-gcs \
        --test edge --test real -- crash faults publish history --nocapture

# Remakes the table from catalogue row to target in docs/workloads.md, the catalogue's changelog and listing, and with TAGWALL_SHARED that of the weeks that are
# replayed in docs/churn.md.
docs:
    cargo run --example workload_table > docs/workloads.md
    cargo run --example catalog_changes > docs/catalog-changes.md
    cargo run --example catalog_rules > docs/catalog-rules.md
    [ -z "${TAGWALL_SHARED:-}" ] || TAGWALL_BLESS=1 cargo test --test real churn

# Builds the image and runs the CronJob's container. Needs root, TAGWALL_SHARED, and buildah, runc and debootstrap.
container:
    tests/tools/container.sh target/tools/container
