//! Exports of others, in the forms that clients and tools give them: what is one in all of them, what is refused, and
//! what is said not to be known.

use tagwall::read::live::{Live, read_live};

fn read(text: &str) -> Live {
    read_live(&[("x", text.as_bytes())]).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn refused(bytes: &[u8]) -> String {
    let errors = read_live(&[("x", bytes)]).expect_err("it is refused");
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// One rule in the spelling of a client.
fn sources(text: &str) -> Vec<String> {
    let live = read(text);
    live.groups[0].rules[0].rule.sources.clone()
}

#[test]
fn one_rule_in_every_spelling() {
    let forms = [
        r#"{"type":"Microsoft.Network/networkSecurityGroups","name":"n","properties":{"securityRules":[{"name":"r",
            "properties":{"priority":100,"direction":"Inbound","access":"Allow","protocol":"Tcp",
            "sourceAddressPrefix":"192.0.2.0/24","sourceAddressPrefixes":[],"sourcePortRange":"*",
            "destinationAddressPrefix":"*","destinationPortRange":"22"}}]}}"#,
        r#"{"name":"n","securityRules":[{"name":"r","priority":100,"direction":"Inbound","access":"Allow",
            "protocol":"TCP","sourceAddressPrefix":"","sourceAddressPrefixes":["192.0.2.0/24"],
            "sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRanges":["22"]}]}"#,
        r#"[{"Name":"n","Id":"/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n",
            "SecurityRules":[{"Name":"r","Priority":100,"Direction":"Inbound","Access":"Allow","Protocol":"tcp",
            "SourceAddressPrefix":["192.0.2.0/24"],"SourcePortRange":["*"],"DestinationAddressPrefix":["*"],
            "DestinationPortRange":["22"]}]}]"#,
        r#"{"count":1,"total_records":1,"skip_token":null,"data":[{"name":"n","type":"microsoft.network/networksecuritygroups",
            "properties":{"security_rules":[{"name":"r","properties":{"priority":"100","direction":"inbound",
            "access":"allow","protocol":"6","source_address_prefix":null,"source_address_prefixes":["192.0.2.0/24"],
            "source_port_range":"0-65535","destination_address_prefix":"*","destination_port_range":"22-22"}}]}}]}"#,
        r#"{"resource":{"azurerm_network_security_group":{"n":{"name":"n","resource_group_name":"g"}},
            "azurerm_network_security_rule":{"r":{"name":"r","network_security_group_name":
            "${azurerm_network_security_group.n.name}","priority":100,"direction":"Inbound","access":"Allow",
            "protocol":"Tcp","source_address_prefix":"192.0.2.0/24","source_port_range":"*",
            "destination_address_prefix":"*","destination_port_range":"22"}}}}"#,
    ];
    for form in forms {
        assert_eq!(sources(form), ["192.0.2.0/24"], "{form}");
        let live = read(form);
        assert_eq!((live.groups.len(), live.groups[0].name.as_str()), (1, "n"), "{form}");
        assert!(live.groups[0].incomplete.is_empty() && live.incomplete.is_empty(), "{form}");
        assert!(live.groups[0].rules[0].unknown.is_empty(), "{form}");
    }
}

#[test]
fn what_powershell_cuts_off_is_refused() {
    let cut = [
        r#"{"Name":"n","SecurityRules":["Microsoft.Azure.Commands.Network.Models.PSSecurityRule"],"DefaultSecurityRules":[]}"#,
        r#"{"Name":"n","SecurityRules":"System.Collections.Generic.List`1[Microsoft.Azure.Commands.Network.Models.PSSecurityRule]"}"#,
        r#"{"Name":"n","SecurityRules":[{"Name":"r","Priority":1,"Direction":"Inbound","Access":"Allow","Protocol":"*",
            "SourceAddressPrefix":"192.0.2.0/24 198.51.100.0/24"}]}"#,
        r#"{"value":["@{name=r; properties=}"]}"#,
    ];
    for text in cut {
        let said = refused(text.as_bytes());
        assert!(said.contains("-Depth 10"), "{text}: {said}");
    }
}

#[test]
fn tables_and_other_texts_are_refused_by_name() {
    let table = "Name    Priority    Access\n------  ----------  --------\nweb     100         Allow\n";
    assert!(refused(table.as_bytes()).contains("-o json"));
    assert!(refused(b"web\t100\tAllow\n").contains("tabs"));
    assert!(refused(b"name: web\npriority: 100\n").contains("YAML"));
    assert!(refused(b"").contains("empty"));
    assert!(refused(b"\"text\"").contains("neither JSON"));
    assert!(refused(b"{\"a\": \xff}").contains("utf-8"));
    let said = refused(br#"{"value":[{"name":"n","securityRules":[{"name":"r","#);
    assert!(said.contains("x:1 /value/0/securityRules/0"), "{said}");
    assert!(refused(br#"{"name":"n","name":"m","securityRules":[]}"#).contains("twice"));
}

#[test]
fn pages_that_go_on_are_told() {
    let forms = [
        r#"{"value":[],"nextLink":"https://management.azure.com/next"}"#,
        r#"{"data":[],"$skipToken":"abc"}"#,
        r#"{"data":[],"skip_token":"abc"}"#,
        r#"{"data":[{"name":"n","securityRules":[]}],"total_records":3}"#,
    ];
    for form in forms {
        assert_eq!(read(form).incomplete.len(), 1, "{form}");
    }
    assert!(read(r#"{"value":[{"name":"n","securityRules":[]}],"nextLink":""}"#).incomplete.is_empty());
    // A projection that left the rules out is no group without rules.
    let live = read(r#"{"data":[{"name":"n","type":"microsoft.network/networksecuritygroups"}]}"#);
    assert_eq!(live.groups[0].incomplete.len(), 1);
    let live = read(
        r#"[{"name":"r","type":"Microsoft.Network/networkSecurityGroups/securityRules","priority":100,"access":"Allow",
            "direction":"Inbound","protocol":"*","sourcePortRange":"*","destinationPortRange":"22"}]"#,
    );
    assert_eq!(live.groups[0].rules[0].unknown, ["sourceAddressPrefix", "destinationAddressPrefix"]);
}

fn template(resources: &str) -> String {
    format!(
        r#"{{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion":"1.0.0.0","parameters":{{"name":{{"type":"string","defaultValue":"web"}},
        "offices":{{"type":"array","defaultValue":["192.0.2.0/24","198.51.100.0/24"]}},"open":{{"type":"string"}}}},
        "variables":{{"group":"[concat(parameters('name'), '-nsg')]","loop":"[variables('loop')]"}},
        "resources":{resources}}}"#
    )
}

fn rule(source: &str) -> String {
    format!(
        r#"{{"name":"r","properties":{{"priority":100,"direction":"Inbound","access":"Allow","protocol":"Tcp",
        "sourceAddressPrefixes":{source},"sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"22"}}}}"#
    )
}

fn group(rules: &str) -> String {
    format!(
        r#"{{"type":"Microsoft.Network/networkSecurityGroups","name":"[variables('group')]",
        "properties":{{"securityRules":{rules}}}}}"#
    )
}

#[test]
fn expressions_are_worked_out_as_far_as_they_reach() {
    let with = |source: &str| {
        let live = read(&template(&format!("[{}]", group(&format!("[{}]", rule(source))))));
        assert_eq!(live.groups[0].name, "web-nsg");
        live.groups[0].rules[0].rule.sources.clone()
    };
    assert_eq!(with(r#""[parameters('offices')]""#), ["192.0.2.0/24", "198.51.100.0/24"]);
    assert_eq!(with(r#"["[parameters('offices')[1]]"]"#), ["198.51.100.0/24"]);
    assert_eq!(with(r#"["[format('{0}.0/24', '192.0.2')]"]"#), ["192.0.2.0/24"]);
    assert_eq!(with(r#""[union(parameters('offices'), createArray('203.0.113.1'))]""#).len(), 3);
    assert_eq!(
        with(r#"["[if(equals(parameters('name'), 'web'), '192.0.2.1', parameters('open'))]"]"#),
        ["192.0.2.1"]
    );
    // What does not resolve is no address and never nothing.
    for open in ["[parameters('open')]", "[variables('loop')]", "[reference('x').ip]", "[f('"] {
        let found = with(&format!("[\"{open}\"]"));
        assert_eq!(found.len(), 1, "{open}");
        assert!(found[0].starts_with('['), "{found:?}");
    }
}

#[test]
fn loops_conditions_children_and_deployments() {
    let copies = r#"{"type":"Microsoft.Network/networkSecurityGroups","name":"[concat('n', copyIndex(1))]",
        "copy":{"name":"groups","count":3},"properties":{"securityRules":[]}}"#;
    let names = |live: &Live| live.groups.iter().map(|g| g.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&read(&template(&format!("[{copies}]")))), ["n1", "n2", "n3"]);

    let rules = r#"{"copy":[{"name":"securityRules","count":"[length(parameters('offices'))]","input":
        {"name":"[concat('r', copyIndex('securityRules'))]","properties":{"priority":
        "[add(100, copyIndex('securityRules'))]","direction":"Inbound","access":"Allow","protocol":"*",
        "sourceAddressPrefix":"[parameters('offices')[copyIndex('securityRules')]]","sourcePortRange":"*",
        "destinationAddressPrefix":"*","destinationPortRange":"*"}}}]}"#;
    let text =
        format!(r#"[{{"type":"Microsoft.Network/networkSecurityGroups","name":"n","properties":{rules}}}]"#);
    let live = read(&template(&text));
    let found: Vec<_> =
        live.groups[0].rules.iter().map(|r| (r.rule.priority, r.rule.sources[0].as_str())).collect();
    assert_eq!(found, [(100, "192.0.2.0/24"), (101, "198.51.100.0/24")]);

    let never = group("[]").replacen('{', r#"{"condition":"[equals(1, 2)]","#, 1);
    assert!(read(&template(&format!("[{never}]"))).groups.is_empty());
    let perhaps = group("[]").replacen('{', r#"{"condition":"[equals(parameters('open'), 2)]","#, 1);
    let live = read(&template(&format!("[{perhaps}]")));
    assert_eq!((live.groups.len(), live.incomplete.len()), (1, 1));

    let child = r#"{"type":"Microsoft.Network/networkSecurityGroups","name":"n","properties":{},"resources":[
        {"type":"securityRules","name":"r","properties":{"priority":100,"direction":"Inbound","access":"Allow",
        "protocol":"*","sourceAddressPrefix":"192.0.2.1","sourcePortRange":"*","destinationAddressPrefix":"*",
        "destinationPortRange":"*"}}]}"#;
    let live = read(&template(&format!("[{child}]")));
    assert_eq!((live.groups.len(), live.groups[0].rules.len()), (1, 1));

    let inner = template(&format!("[{}]", group(&format!("[{}]", rule(r#"["[parameters('open')]"]"#)))));
    let deployment = format!(
        r#"[{{"type":"Microsoft.Resources/deployments","name":"d","properties":{{
        "expressionEvaluationOptions":{{"scope":"inner"}},"parameters":{{"open":{{"value":"[parameters('offices')[0]]"}}}},
        "template":{inner}}}}}]"#
    );
    assert_eq!(read(&template(&deployment)).groups[0].rules[0].rule.sources, ["192.0.2.0/24"]);
}

#[test]
fn parameter_files_are_for_the_templates_beside_them() {
    let text = template(&format!("[{}]", group(&format!("[{}]", rule(r#"["[parameters('open')]"]"#)))));
    let parameters = r#"{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
        "contentVersion":"1.0.0.0","parameters":{"open":{"value":"203.0.113.7"}}}"#;
    let live = read_live(&[("a.parameters.json", parameters.as_bytes()), ("a.json", text.as_bytes())])
        .expect("read");
    assert_eq!(live.groups[0].rules[0].rule.sources, ["203.0.113.7"]);
}

#[test]
fn terraform_says_what_it_knows_only_later() {
    let plan = r#"{"format_version":"1.2","resource_changes":[
        {"type":"azurerm_network_security_group","name":"n","mode":"managed","change":{"actions":["create"],
         "after":{"name":"n","security_rule":[{"name":"r","priority":100,"direction":"Inbound","access":"Allow",
          "protocol":"*","source_port_range":"*","destination_port_range":"*","destination_address_prefix":"*"}]},
         "after_unknown":{"id":true,"security_rule":[{"source_address_prefix":true}]}}},
        {"type":"azurerm_route_table","name":"gone","mode":"managed","change":{"actions":["delete"],"after":null}}]}"#;
    let live = read(plan);
    assert_eq!(live.groups[0].rules[0].rule.sources, ["[known after apply]"]);
    assert!(live.tables.is_empty());
    let state = r#"{"version":4,"terraform_version":"1.9.0","lineage":"x","resources":[{"mode":"managed",
        "type":"azurerm_route_table","name":"t","instances":[{"attributes":{"name":"t","bgp_route_propagation_enabled":
        false,"route":[{"name":"all","address_prefix":"0.0.0.0/0","next_hop_type":"VirtualAppliance",
        "next_hop_in_ip_address":"10.0.0.4"}]}}]}]}"#;
    let live = read(state);
    assert_eq!((live.tables[0].disable_bgp, live.tables[0].routes.len()), (Some(true), 1));
}

#[test]
fn routes_that_are_not_active_are_none() {
    let live = read(
        r#"{"value":[{"addressPrefix":["0.0.0.0/0"],"nextHopType":"Internet","source":"Default","state":"Invalid"},
        {"addressPrefix":["0.0.0.0/0"],"nextHopType":"VirtualAppliance","nextHopIpAddress":["10.0.0.4"],
         "source":"User","state":"Active","name":"all"}]}"#,
    );
    assert_eq!(live.tables[0].routes.len(), 1);
    assert_eq!(live.tables[0].routes[0].next_hop_address.as_deref(), Some("10.0.0.4"));
}

/// What tagwall writes in each format is read back with the same rules.
#[test]
fn our_own_formats_are_read() {
    let formats = [r#""arm", "bicep", "terraform", "azcli", "csv", "json""#, r#""terraform-json""#];
    let mut seen = 0;
    for formats in formats {
        let policy = format!(
            r#"
            schema = 1
            name = "demo"
            region = "westeurope"
            network.address-space = ["10.20.0.0/16"]
            subnets.training.prefixes = ["10.20.1.0/24"]
            output.formats = [{formats}]
            [[allow]]
            to = ["203.0.113.0/24", "198.51.100.0/24"]
            protocol = "tcp"
            ports = "443"
            "#
        );
        let made = crate::support::generate_on_sample("demo", &policy);
        for file in made.files.iter().filter(|f| f.name.starts_with("nsg") || f.name == "plan.json") {
            // A module of Terraform is read whole: what a file of it names stands in main.tf.
            let module = [".tf", ".tf.json"].into_iter().find(|end| file.name.ends_with(end));
            let frame = module.and_then(|end| made.files.iter().find(|f| f.name == format!("main{end}")));
            let given: Vec<(&str, &[u8])> =
                frame.into_iter().chain([file]).map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
            let live = read_live(&given);
            let live = live.unwrap_or_else(|errors| panic!("{}: {errors:?}", file.name));
            let counts: Vec<usize> = live.groups.iter().map(|group| group.rules.len()).collect();
            assert_eq!(counts, [made.plan.nsgs[0].rules.len()], "{}", file.name);
            assert!(live.groups[0].rules.iter().all(|rule| rule.place.line > 0), "{}", file.name);
            seen += 1;
        }
    }
    assert_eq!(seen, 7, "one file of each format");
}
