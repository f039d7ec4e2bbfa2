//! `tagwall init`

use std::fs::OpenOptions;
use std::io::{self, Write};

use crate::catalog::{Catalog, Check, OptionSpec, OptionValue, Workload};
use crate::cli::args::Init;
use crate::cli::{Failure, output};
use crate::text::did_you_mean;

const HEAD: &str = "\
# A tagwall policy: what one environment may reach. Everything else is denied.
# Make the rules with:  tagwall generate FILE --snapshot sample --out out
# All keys, for editors:  tagwall schema
schema = 1

# Names the output folder and begins the names of the Azure resources.
name = \"ml-prod\"

# public, usgov or china
cloud = \"public\"

# Region of the workspace: westeurope, \"West Europe\" and WestEurope are the same.
region = \"westeurope\"

[network]
# Address space of the virtual network.
address-space = [\"10.20.0.0/16\"]
# Private address of Azure Firewall or another appliance. Leave it out if there is none.
firewall = \"10.20.255.4\"
# Spaces of peered networks (the hub), what a gateway announces, and name resolvers of the network's own.
# peers       = [\"10.0.0.0/22\"]
# on-premises = [\"172.20.0.0/16\"]     # and \"0.0.0.0/0\" where it announces a default route
# dns         = [\"10.0.0.4\"]

# One table for each subnet that rules are made for. What else may be said of it:
# role     = \"ordinary\"            # by Azure's reserved names where the name is one | \"application-gateway\"
#                                  # | \"delegated:Microsoft.Databricks/workspaces\"
# outbound = \"firewall\"            # nat | public-ip | load-balancer | firewall | default | none
# private  = true                  # no default outbound access, as in networks made since 2026-03-31
# service-endpoints = [\"Microsoft.Sql\"]   # what goes there leaves past route table and firewall
# nodes    = 50                    # is it large enough? Azure keeps five addresses
";

const TAIL: &str = "
# A need written by hand. Remotes: a service tag, a prefix, a range, fqdn:host, fqdn:*.below.it, fqdn-tag:NAME,
# url:host/path, group:NAME, Internet, VirtualNetwork or *.
# [[allow]]
# subnet    = \"training\"
# direction = \"outbound\"            # the default; inbound needs have `from` in place of `to`
# to        = [\"Sql.westeurope\", \"203.0.113.0/24\", \"fqdn:*.pytorch.org\"]
# except    = [\"203.0.113.7\"]      # taken out of the remotes
# protocol  = \"tcp\"                # tcp, udp, icmp, esp, ah, any; one or a list
# ports     = \"1433\"               # \"443,8704-8710\", a number, a list, \"*\"
# why       = \"feature store\"

# [[deny]]                         # before everything that is allowed, on every target
# from     = \"Internet\"            # or `to`; AzurePlatformDNS, -IMDS and -LKM can only be denied
# protocol = \"tcp\"
# ports    = \"22,3389\"

# [[route]]                        # a line of the route table of the subnets named, or of all ordinary ones
# to       = [\"Sql\", \"203.0.113.0/24\"]
# next-hop = \"internet\"            # firewall | internet | gateway | none | vnet | the address of an appliance
# subnet   = \"training\"
# why      = \"backup target\"

# accept-missing = false           # at the top of the file: accept needs that work nowhere; they are listed all the same

# [groups]
# partners = [\"203.0.113.0/24\", \"198.51.100.0/24\"]

# [precision]                      # where exact lists do not fit a limit; elsewhere rules stay exact
# max-extra = 0                    # extra addresses that may be let through in the whole environment: the sum over
#                                  # targets, directions and distinct lists. 0: refuse, and name what would fit
# never = [\"198.51.100.0/24\"]      # no extra, at any price; private and special ranges and the network never are

# [nsg]
# tags = \"auto\"                    # by name where the target takes it, else prefixes | \"native\" | \"expand\"
# deny-rest = true                 # end in the deny that makes this an allow-list
# hosts = \"report\"                 # host names: list them | \"internet\": open their ports, the firewall judges
# vnet = \"allow\"                   # traffic inside the virtual network
# load-balancer = \"allow\"          # health probes
# per-subnet = false               # one group for each subnet
# keep = [\"JIT-*\"]                # rules of others that stay
# reserved = [\"4000-4096\"]        # priorities that no rule made here takes

# [route-table]
# default = \"firewall\"             # 0.0.0.0/0 to network.firewall | \"gateway\" | \"internet\" | \"none\"
# private = \"system\"               # private ranges outside the network: as Azure has it | \"firewall\"
# disable-bgp = false
# disable-peering-route = false    # true: what goes to peered networks takes the way of all else

# [firewall]
# rules = \"policy\"                 # in a firewall policy | \"classic\": in the firewall itself
# sku = \"standard\"                 # basic | standard | premium
# ip-groups = \"auto\"               # long lists in IP groups | \"always\" | \"never\"
# fqdn-tags = \"native\"            # FQDN tags by name | \"hosts\": as the hosts that documents list
# dns-proxy = true                 # host names in network rules need it
# tls-inspection = false           # paths of URLs need it, and premium
# draft = false                    # true: the script puts the rules into the draft of the firewall policy

# [names]                          # names of resources, where they are not to be made from that above
# nsg = \"nsg-ml-prod\"
# route-table = \"rt-ml-prod\"
# firewall-policy = \"hub-policy\"

# [limits]
# profile = \"current\"              # or \"conservative\", for older subscriptions and tools
# routes-per-table = 400           # single figures by the names that the report shows

# [catalog]
# files = [\"labs.toml\"]           # workloads of your own, or corrections; beside this file
# as-of = \"2026-03-31\"            # take what holds on this day, whatever begins or ends later
# window-days = 365                # how far around that day the report tells of what begins or ends

# [refresh]                        # when `tagwall refresh` refuses new service tags, in percent
# max-tags-lost = 10
# max-addresses-lost = 20
# max-growth = 25                  # for each week between two files
# max-tag-lost = 50                # of a tag that this policy uses
# max-tag-growth = 400             # of a tag that this policy uses, for each week
# hold-removed-days = 0            # days for which removed addresses are still let through

# [[lint.dismiss]]                 # what lint finds in these rules and is not to be told of for a while
# id = \"TW004\"
# rule = \"legacy-*\"                # also resource; all of them where both are left out
# reason = \"until the migration\"
# until = \"2026-12-31\"

# [output]
# formats = [\"arm\"]               # also bicep, terraform or terraform-json, azcli, csv, lists, edl, nftables, json
# targets = [\"nsg\", \"route-table\", \"firewall\"]
# resource-group = \"network\"       # what Terraform and the scripts take unless told otherwise
# api-version = \"2025-05-01\"      # of Azure's network API; or { public = \"2025-07-01\", china = \"2024-05-01\" }
# associations = false             # true: Terraform and the scripts also put what is made on the subnets
# terraform-style = \"inline\"       # rules inside their group | \"resources\": one resource each
# edl = \"common\"                   # lists for any firewall | \"panos\" | \"fortigate\" | \"checkpoint\"
";

pub(in crate::cli) fn run(args: &Init) -> Result<(), Failure> {
    let catalog = Catalog::builtin();
    let workload = catalog.workload(&args.workload).ok_or_else(|| {
        let hint = did_you_mean(&catalog.nearest(&args.workload));
        Failure::Input(format!(
            "there is no workload `{}`{hint}; `tagwall workloads` lists them",
            args.workload
        ))
    })?;
    let text = format!("{HEAD}{}\n{}{}{TAIL}", subnets(workload), allow(workload), beside(workload));
    if args.stdout {
        let mut out = output::stdout();
        return out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output);
    }
    let path = args.file.display();
    let written = OpenOptions::new().write(true).create_new(true).open(&args.file).and_then(|mut f| {
        // Half a policy is none.
        f.write_all(text.as_bytes()).inspect_err(|_| drop(std::fs::remove_file(&args.file)))
    });
    match written {
        Ok(()) => {
            output::say(&format!(
                "wrote {path}; edit it, then run: tagwall generate {path} --snapshot sample --out out"
            ));
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Failure::Input(format!("{path} exists already; name another file")))
        }
        Err(error) => Err(Failure::Io(format!("{path}: {error}"))),
    }
}

/// The service that keeps rules of its own in the group of the workload's subnets, which are delegated to it.
fn delegated_to(workload: &Workload) -> Option<String> {
    let name = workload.managed().iter().find_map(|managed| managed.name())?;
    let (service, _) = name.split_once("_UseOnly_")?;
    Some(service.replacen('-', "/", 1))
}

/// The tables of the subnets: one, or two that are delegated.
fn subnets(workload: &Workload) -> String {
    match delegated_to(workload) {
        None => "[subnets.training]\nprefixes = [\"10.20.1.0/24\"]\n".to_owned(),
        Some(service) => delegated(workload)
            .iter()
            .zip(["10.20.1.0/24", "10.20.2.0/24"])
            .map(|(name, prefix)| {
                format!("[subnets.{name}]\nprefixes = [\"{prefix}\"]\nrole = \"delegated:{service}\"\n")
            })
            .collect(),
    }
}

/// What the subnets of a delegated workload are called: one where the service names its rules by the subnet's range, else
/// two.
fn delegated(workload: &Workload) -> &'static [&'static str] {
    let by_range =
        workload.managed().iter().filter_map(|kept| kept.name()).any(|name| name.contains("{range}"));
    if by_range { &["instances"] } else { &["container", "host"] }
}

/// The entry for a workload: its options as comments, or set where they have to be given.
fn allow(workload: &Workload) -> String {
    let mut text = format!(
        "# {}\n[[allow]]\nworkload = \"{}\"\nsubnet = {}\n",
        workload.title(),
        workload.name(),
        match delegated_to(workload) {
            None => "\"training\"".to_owned(),
            Some(_) => format!("{:?}", delegated(workload)),
        }
    );
    for option in workload.options() {
        text.push_str(&format!("# {}\n", option.help.replace('\n', " ")));
        let mark = if option.required { "" } else { "# " };
        text.push_str(&format!("{mark}{} = {}\n", option.name, value(option)));
    }
    text.push_str("# prefer = \"auto\"                 # tags, hosts where there is no tag | \"tags\" | \"fqdns\" | \"both\"\n");
    text.push_str(
        "# without = [\"row-id\"]            # rows to leave out; `tagwall workloads NAME` shows them\n",
    );
    text
}

/// The workload without which this one's subnet would let nothing out, if there is one.
fn beside(workload: &Workload) -> String {
    let other = workload.preconditions().iter().find_map(|must| match &must.check {
        Some(Check::LetsOut(other)) => Some(other),
        _ => None,
    });
    other.map_or_else(String::new, |other| {
        format!(
            "\n# Or `nsg.deny-rest = false`: else the subnet lets nothing out.\n[[allow]]\nworkload = \"{other}\"\n\
             subnet = \"training\"\n"
        )
    })
}

fn value(option: &OptionSpec) -> String {
    match &option.default {
        OptionValue::Bool(switch) => switch.to_string(),
        OptionValue::Text(text) => format!("\"{text}\""),
        OptionValue::List(list) => {
            format!("[{}]", list.iter().map(|t| format!("\"{t}\"")).collect::<Vec<_>>().join(", "))
        }
    }
}
