//! The environment that is replayed: compute and training of Azure Machine Learning in three regions.

/// Limits are raised, since expanding `AzureMonitor` and others for three regions takes more than one security group
/// holds; what is looked at here is how much changes.
const HEAD: &str = r#"
schema = 1
name = "churn"
region = "westeurope"
limits.nsg-destination-prefixes = 100000
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
subnets.training.prefixes = ["10.20.1.0/24"]
"#;

const NEEDS: &str = r#"
[[allow]]
workload = "aml-compute"
region = ["westeurope", "northeurope", "eastus"]

[[allow]]
workload = "aml-training-internet"
region = ["westeurope", "northeurope", "eastus"]
"#;

/// Each way of writing tags: a title and the policy.
pub(crate) fn all() -> [(&'static str, String); 5] {
    let expanded = "nsg.tags = \"expand\"\nfirewall.tags = \"expand\"\n";
    let policy = |settings: &str| format!("{HEAD}{settings}{NEEDS}");
    // Limits that no week's exact lists keep, so that they are widened.
    let widened = |limits: &str| {
        let budget = "precision.max-extra = \"1000000000000\"\noutput.targets = [\"nsg\", \"route-table\"]\n";
        policy(&format!("{expanded}route-table.tags = \"expand\"\n{budget}{limits}"))
            .replace("limits.nsg-destination-prefixes = 100000\n", "")
            .replace("\"aml-compute\"\n", "\"aml-compute\"\npublic-ip = true\n")
    };
    [
        ("Tags as prefixes", policy(expanded)),
        (
            "Tags as prefixes, IP groups of at most 100 entries",
            policy(&format!("{expanded}limits.ip-group-entries = 100\n")),
        ),
        (
            "Tags as prefixes, widened to 1,000 destinations and 320 routes",
            widened("limits.nsg-destination-prefixes = 1000\nlimits.routes-per-table = 320\n"),
        ),
        (
            "Tags as prefixes, widened to 300 destinations and 320 routes",
            widened("limits.nsg-destination-prefixes = 300\nlimits.routes-per-table = 320\n"),
        ),
        ("Tags by name", policy("nsg.tags = \"native\"\nfirewall.tags = \"native\"\n")),
    ]
}
