//! [`Intent`]: the policy file as the user wrote it, well-formed and with no name resolved.
//!
//! These types are the one description of the file: the reader checks keys and types against the JSON Schema made
//! from them, and `tagwall schema` prints it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use super::asked::{Deny, NamesIntent, Network, RouteLine, Subnet};
pub use super::words::{DirectionName, OneOrMany, PortItem, PortsText};
use crate::limits::firewall_priorities;
use crate::target::{ApiVersion, EdlDialect, FormatName, ReportForm, Target, TerraformStyle};

/// A tagwall policy: what one environment needs to reach, and what is to be made of it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Intent {
    /// Version of this form; always 1.
    pub schema: u32,
    /// Name of the environment: names the output folder and begins the names of Azure resources.
    pub name: String,
    /// The Azure cloud.
    #[serde(default)]
    pub cloud: CloudName,
    /// Azure region of the workspace or service: `westeurope`, `West Europe` and `WestEurope` are the same.
    pub region: String,
    /// The virtual network.
    pub network: Network,
    /// The subnets that rules are made for, by name.
    #[schemars(extend("minProperties" = 1))]
    pub subnets: BTreeMap<String, Subnet>,
    /// What is allowed; everything else is not, unless `nsg.deny-rest` is false.
    #[serde(default)]
    pub allow: Vec<Allow>,
    /// What is denied before everything that is allowed, on every target.
    #[serde(default)]
    pub deny: Vec<Deny>,
    /// Lines of route tables by hand.
    #[serde(default)]
    pub route: Vec<RouteLine>,
    /// Names of the Azure resources, where they are not to be made from that of the environment.
    #[serde(default)]
    pub names: NamesIntent,
    /// Whether needs that work nowhere are accepted: they are listed in the report all the same.
    #[serde(default)]
    pub accept_missing: bool,
    /// Named lists of remotes, used in `to` and `from` as `group:NAME`.
    #[serde(default)]
    pub groups: BTreeMap<String, OneOrMany>,
    /// How exact the rules must be. Without it: exact.
    #[serde(default)]
    pub precision: Precision,
    /// The network security group.
    #[serde(default)]
    pub nsg: NsgIntent,
    /// The route table.
    #[serde(default)]
    pub route_table: RouteTableIntent,
    /// Azure Firewall.
    #[serde(default)]
    pub firewall: FirewallIntent,
    /// Azure's limits: a profile, and single figures that differ from it.
    #[serde(default)]
    pub limits: LimitsIntent,
    /// Workloads of your own, or corrections to built-in ones.
    #[serde(default)]
    pub catalog: CatalogIntent,
    /// What to write.
    #[serde(default)]
    pub output: OutputIntent,
    /// When new service tags are refused by a scheduled refresh.
    #[serde(default)]
    pub refresh: RefreshIntent,
    /// What is not told again of what `lint` finds in the rules.
    #[serde(default)]
    pub lint: LintIntent,
}

/// An Azure cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CloudName {
    /// The public cloud.
    #[default]
    Public,
    /// Azure Government.
    UsGov,
    /// Azure China.
    China,
    /// The former German cloud.
    Germany,
}

/// One need: a workload of the catalogue, or remotes written by hand.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Allow {
    /// A workload of the catalogue; `tagwall workloads` lists them. Its options are further keys of this table.
    #[serde(default)]
    pub workload: Option<String>,
    /// The subnet or subnets; if left out, all but those that Azure reserves for its own services.
    #[serde(default)]
    pub subnet: OneOrMany,
    /// Region or regions of the workload, where they differ from the environment's.
    #[serde(default)]
    pub region: OneOrMany,
    /// Which side opens the connection. Outbound if left out.
    #[serde(default)]
    pub direction: Option<DirectionName>,
    /// Remotes: a service tag (`Sql.westeurope`), prefix, range, `fqdn:host`, `fqdn-tag:NAME`, `url:host/path`,
    /// `group:NAME`, `asg:NAME`, `Internet`, `VirtualNetwork` or `*`. Plain addresses of one list are one rule.
    #[serde(default)]
    pub to: OneOrMany,
    /// Remotes of an inbound need.
    #[serde(default)]
    pub from: OneOrMany,
    /// Addresses that are taken out of the remotes, and out of what a workload's routes lead to.
    #[serde(default)]
    pub except: OneOrMany,
    /// `tcp`, `udp`, `icmp`, `esp`, `ah` or `any`; one or several. Any if left out.
    #[serde(default)]
    pub protocol: OneOrMany,
    /// Ports of the destination: `443`, `8704-8710`, lists of those, `*`. All if left out.
    #[serde(default)]
    pub ports: PortsText,
    /// Whether a workload's needs are met by service tags, host names or both.
    #[serde(default)]
    pub prefer: PreferName,
    /// Rows of the workload that are left out, by id.
    #[serde(default)]
    pub without: OneOrMany,
    /// Optional rows of the workload that are taken in, by id.
    #[serde(default)]
    pub with: OneOrMany,
    /// Name of this entry, by which a policy that extends this one can take it out (`without = ["allow.NAME"]`), and a
    /// table of environments can set its keys.
    #[serde(default)]
    pub id: Option<String>,
    /// Why this is needed; goes into descriptions and the report.
    #[serde(default)]
    pub why: Option<String>,
    /// Options of the workload.
    #[serde(flatten)]
    pub options: BTreeMap<String, OptionIntent>,
}

/// How a workload's needs are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PreferName {
    /// By service tag where there is one, else by host name.
    #[default]
    Auto,
    /// By service tag wherever there is one.
    Tags,
    /// By host name wherever there is one.
    Fqdns,
    /// By both; what is then doubled is removed.
    Both,
}

/// The value of a workload's option.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OptionIntent {
    /// A switch.
    Bool(bool),
    /// A number, such as a port.
    Number(u32),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

/// How exact the rules must be. Without this they are exact, and what does not fit a limit is refused.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Precision {
    /// How many extra addresses may be admitted in the whole environment where exact lists do not fit a limit. They
    /// are spent only there, and no more than the limit takes; the report lists them. The sum over targets and
    /// directions, and in each over the distinct sets of addresses that are widened: a set that several rules list
    /// counts once, an address that is added to two sets or in two targets counts twice. For a route table, the
    /// addresses that go another way than asked. An IPv6 address counts as much as an IPv4 one. When it is too
    /// small, the message names the smallest number that works.
    #[serde(default)]
    pub max_extra: Amount,
    /// Prefixes that may never be admitted as extra, at any price; no need may ask for them either. Private and
    /// special ranges, 168.63.129.16 and the network's address space are never admitted as extra, named or not.
    #[serde(default)]
    pub never: OneOrMany,
}

/// A number of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Amount {
    /// As a number.
    Number(u64),
    /// As text, for numbers past 2^53.
    Text(String),
}

impl Default for Amount {
    fn default() -> Self {
        Amount::Number(0)
    }
}

/// Whether a target names service tags or lists their prefixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TagUse {
    /// By name where the published file says that the target takes the tag, else as prefixes.
    #[default]
    Auto,
    /// Always by name, also where the file does not say that the target takes it.
    Native,
    /// Always as prefixes.
    Expand,
}

/// Whether traffic is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Passage {
    /// Let through.
    #[default]
    Allow,
    /// Stopped.
    Deny,
}

/// What a target does for host names that it cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HostUse {
    /// Nothing: they are listed in the report.
    #[default]
    Report,
    /// Their ports are opened to the Internet, since a firewall behind judges the name. Needs a default route to
    /// the firewall.
    Internet,
}

/// The network security group.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct NsgIntent {
    /// Service tags by name or as prefixes.
    pub tags: TagUse,
    /// End in a rule that denies everything else, both ways. Without it Azure's default rules let all outbound
    /// traffic to the Internet through.
    pub deny_rest: bool,
    /// What is done for host names, which a security group cannot say.
    pub hosts: HostUse,
    /// Traffic inside the virtual network, which `deny-rest` would stop.
    pub vnet: Passage,
    /// Health probes of Azure Load Balancer, which `deny-rest` would stop.
    pub load_balancer: Passage,
    /// One group for each subnet, in place of one for all subnets that can share it.
    pub per_subnet: bool,
    /// Rules of others, by name; `*` stands for any characters. Scripts leave them alone, and templates carry those
    /// that an earlier file holds.
    pub keep: OneOrMany,
    /// Priorities that no rule made here takes, as `4000-4096` or a number.
    pub reserved: OneOrMany,
}

impl Default for NsgIntent {
    fn default() -> Self {
        NsgIntent {
            tags: TagUse::Auto,
            deny_rest: true,
            hosts: HostUse::Report,
            vnet: Passage::Allow,
            load_balancer: Passage::Allow,
            per_subnet: false,
            keep: OneOrMany::None,
            reserved: OneOrMany::None,
        }
    }
}

/// Where a route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DefaultRoute {
    /// To `network.firewall`.
    Firewall,
    /// To the Internet, as without a route table.
    Internet,
    /// Nowhere: traffic without a more specific route is dropped.
    None,
    /// To the virtual network gateway: forced tunnelling to on-premises. Gateways of the type VPN take it; ExpressRoute
    /// needs the route from the other side.
    Gateway,
}

/// Where private ranges outside the virtual network lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PrivateRoute {
    /// As Azure's system routes have it: dropped, unless a peering or gateway route is more specific.
    #[default]
    System,
    /// To `network.firewall`.
    Firewall,
}

/// The route table.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RouteTableIntent {
    /// Where traffic goes that has no more specific route. Left out: to the firewall if there is one, else no
    /// route table is made.
    #[serde(rename = "default")]
    pub default_route: Option<DefaultRoute>,
    /// Service tags by name or as prefixes.
    pub tags: TagUse,
    /// Private ranges (10/8, 172.16/12, 192.168/16, 100.64/10) outside the virtual network.
    pub private: PrivateRoute,
    /// Whether routes learned by a gateway are kept off the subnet.
    pub disable_bgp: bool,
    /// Whether the routes of peerings are kept off the subnet, so that what goes to peered networks takes the way of all
    /// else; with `private = "firewall"` that of private ranges. Templates and Bicep files can say it, from API version
    /// 2025-07-01 on.
    pub disable_peering_route: bool,
}

/// The tier of Azure Firewall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sku {
    /// No host names in network rules, no DNS proxy.
    Basic,
    /// Host names in network rules.
    #[default]
    Standard,
    /// Also TLS inspection and URL paths.
    Premium,
}

/// What becomes of FQDN tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FqdnTagUse {
    /// By name: Azure Firewall keeps their hosts.
    #[default]
    Native,
    /// As the hosts that documents list behind them, which Azure may change any day.
    Hosts,
}

/// Whether prefixes go into IP groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IpGroupUse {
    /// Expanded tags and long lists go into IP groups, short lists into the rule.
    #[default]
    Auto,
    /// All lists.
    Always,
    /// No lists.
    Never,
}

/// What holds the firewall's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RulesHolder {
    /// Rule collection groups of a firewall policy.
    #[default]
    Policy,
    /// The firewall itself: classic rules, of a firewall that has no policy.
    Classic,
}

/// Azure Firewall.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FirewallIntent {
    /// Tier of the firewall.
    pub sku: Sku,
    /// Whether rules belong into a firewall policy or, as classic rules, into the firewall itself. URLs cannot be said
    /// in classic rules.
    pub rules: RulesHolder,
    /// Service tags by name or as prefixes.
    pub tags: TagUse,
    /// FQDN tags by name, or as the hosts that documents list behind them, for firewalls that know no such tag.
    pub fqdn_tags: FqdnTagUse,
    /// Prefix lists in IP groups or in the rules.
    pub ip_groups: IpGroupUse,
    /// Whether the firewall policy has its DNS proxy on and the network resolves through it; host names in
    /// network rules need that.
    pub dns_proxy: bool,
    /// Whether the firewall policy inspects TLS; URL paths need that, and the premium tier.
    pub tls_inspection: bool,
    /// Priority of the rule collection group, or of the collection of classic network rules; that of classic
    /// application rules is 100 higher. 100 to 65000.
    #[schemars(range(min = *firewall_priorities().start(), max = *firewall_priorities().end()))]
    pub priority: u32,
    /// Whether the script puts the rules into the draft of the firewall policy, for people to look at and deploy. The
    /// draft has to be there, and the policy has to have the groups already.
    pub draft: bool,
}

impl Default for FirewallIntent {
    fn default() -> Self {
        FirewallIntent {
            sku: Sku::Standard,
            rules: RulesHolder::Policy,
            tags: TagUse::Auto,
            fqdn_tags: FqdnTagUse::Native,
            ip_groups: IpGroupUse::Auto,
            dns_proxy: true,
            tls_inspection: false,
            priority: 1000,
            draft: false,
        }
    }
}

/// Which figures of Azure's limits apply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LimitsIntent {
    /// `current` or `conservative`.
    #[serde(default)]
    pub profile: Option<String>,
    /// The day on which the figures were taken down, such as `2026-05-01`; a file of limits for several policies must
    /// say it.
    #[serde(default)]
    pub date: Option<String>,
    /// Where the figures are from, such as a support request; a file of limits for several policies must say it.
    #[serde(default)]
    pub source: Option<String>,
    /// Single figures by the names that the report shows, such as `routes-per-table`.
    #[serde(flatten)]
    pub overrides: BTreeMap<String, u64>,
}

/// Workloads of the user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CatalogIntent {
    /// Catalogue files, relative to the policy file.
    pub files: Vec<String>,
    /// The day whose facts are taken, such as `2025-06-01`: needs that begin later or ended before are left out. Left
    /// out: the day of the service tags, or the one that the command is given.
    pub as_of: Option<String>,
    /// How many days before and after that day the report tells of needs that begin or end.
    pub window_days: u32,
}

impl Default for CatalogIntent {
    fn default() -> Self {
        CatalogIntent { files: Vec::new(), as_of: None, window_days: 365 }
    }
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OutputIntent {
    /// Formats of the artefacts. `terraform` and `terraform-json` exclude each other: in one folder they would be one
    /// configuration that says everything twice.
    pub formats: Vec<FormatName>,
    /// Targets to write for; those that the policy has a use for if left out.
    pub targets: Option<Vec<Target>>,
    /// Resource group that Terraform and the scripts make resources in, unless another is given when they are run.
    pub resource_group: Option<String>,
    /// Version of Azure's network API that templates, Bicep files and scripts name: one, or one for each cloud. Left
    /// out: 2025-05-01, or 2025-07-01 where `route-table.disable-peering-route` needs it.
    pub api_version: ApiVersionIntent,
    /// Whether Terraform and the scripts also put what is made on the subnets, which have to be there. Templates and
    /// Bicep files would have to make the subnets anew for it: there the report has the commands.
    pub associations: bool,
    /// Terraform: rules and routes as blocks inside their resource, or as one resource each.
    pub terraform_style: TerraformStyle,
    /// For which firewall the lists of the format `edl` are written.
    pub edl: EdlDialect,
    /// The forms in which the report is written: `markdown`, `html`, or both.
    pub report: Vec<ReportForm>,
}

impl Default for OutputIntent {
    fn default() -> Self {
        OutputIntent {
            formats: vec![FormatName::Arm],
            targets: None,
            resource_group: None,
            api_version: ApiVersionIntent::default(),
            associations: false,
            terraform_style: TerraformStyle::Inline,
            edl: EdlDialect::Common,
            report: vec![ReportForm::Markdown],
        }
    }
}

/// Versions of Azure's network API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ApiVersionIntent {
    /// The same everywhere.
    One(ApiVersion),
    /// By cloud, for policies that several clouds share.
    ByCloud(ApiVersions),
}

impl Default for ApiVersionIntent {
    fn default() -> Self {
        ApiVersionIntent::ByCloud(ApiVersions::default())
    }
}

/// A version of Azure's network API for each cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields, default)]
pub struct ApiVersions {
    /// In the public cloud.
    pub public: Option<ApiVersion>,
    /// In Azure Government.
    pub usgov: Option<ApiVersion>,
    /// In Azure China.
    pub china: Option<ApiVersion>,
    /// In the former German cloud.
    pub germany: Option<ApiVersion>,
}

/// What is not told again of what `lint` finds in the rules that are made of this policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LintIntent {
    /// Findings that somebody has looked at and lets stand for a while.
    pub dismiss: Vec<DismissIntent>,
}

/// A kind of finding that is let stand for a while.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DismissIntent {
    /// Its id, such as `TW005`; `tagwall lint --explain all` lists them.
    pub id: String,
    /// The name of the group, table or firewall, in which `*` stands for any text; all of them if left out.
    #[serde(default)]
    pub resource: Option<String>,
    /// The name of the rule or route, in which `*` stands for any text; all of them if left out.
    #[serde(default)]
    pub rule: Option<String>,
    /// Why it may stand.
    pub reason: String,
    /// The last day on which it is not told of, such as `2026-12-31`.
    pub until: String,
}

/// When new service tags are refused by a scheduled refresh, and what happens to addresses that they drop. Where
/// several policies are refreshed together, the strictest figures hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RefreshIntent {
    /// By how many percent the number of tags may fall.
    #[schemars(range(max = 100))]
    pub max_tags_lost: u32,
    /// By how many percent the addresses of IPv4 or IPv6 may shrink over all tags.
    #[schemars(range(max = 100))]
    pub max_addresses_lost: u32,
    /// By how many percent tags and addresses may grow for each week between two files.
    pub max_growth: u32,
    /// By how many percent a tag that this policy uses may shrink.
    #[schemars(range(max = 100))]
    pub max_tag_lost: u32,
    /// By how many percent a tag that this policy uses may grow for each week between two files; over eight weeks, by
    /// twice that. One that gains at most 4,096 IPv4 addresses or 64 IPv6 blocks of a /48 is not held to it.
    pub max_tag_growth: u32,
    /// Days for which addresses that a tag lost are still let through where the tag is written out as prefixes.
    pub hold_removed_days: u32,
}

impl Default for RefreshIntent {
    fn default() -> Self {
        RefreshIntent {
            max_tags_lost: 10,
            max_addresses_lost: 20,
            max_growth: 25,
            max_tag_lost: 50,
            max_tag_growth: 400,
            hold_removed_days: 0,
        }
    }
}
