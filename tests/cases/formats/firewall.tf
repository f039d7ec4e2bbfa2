# Written by tagwall: change the policy, not this file.

resource "azurerm_firewall_policy_rule_collection_group" "group_nasty_rules" {
  name               = "nasty-rules"
  firewall_policy_id = var.firewall_policy_id
  priority           = 1000

  network_rule_collection {
    name     = "nasty-network"
    priority = 200
    action   = "Allow"

    rule {
      name                  = "a-192.0.2.1-32-any"
      description           = "policy: [parameters('x')] (as prefixes)"
      protocols             = ["Any"]
      source_addresses      = ["10.20.1.0/24"]
      destination_addresses = ["192.0.2.1/32"]
      destination_ports     = ["*"]
    }

    rule {
      name             = "a-198.51.100.7-32-a47163-tcp-443_8000-8010"
      description      = "policy: it's \"q\" $${x} $$${y} %%{z} %%%{z} $HOME $(id) `id` \\ \\n [a] @b; c, {d} <e> #f //g (as prefixes)"
      protocols        = ["TCP"]
      source_addresses = ["10.20.1.0/24"]
      destination_addresses = [
        "198.51.100.7/32",
        "203.0.113.0/25",
      ]
      destination_ports = [
        "443",
        "8000-8010",
      ]
    }

    rule {
      name             = "b-198.51.100.7-32-a47163-tcp-443_8000-8010"
      description      = "policy: it's \"q\" $${x} $$${y} %%{z} %%%{z} $HOME $(id) `id` \\ \\n [a] @b; c, {d} <e> #f //g (as prefixes)"
      protocols        = ["TCP"]
      source_addresses = ["10.20.2.0/24"]
      destination_addresses = [
        "198.51.100.7/32",
        "203.0.113.0/25",
      ]
      destination_ports = [
        "443",
        "8000-8010",
      ]
    }

    rule {
      name                  = "b-Storage.WestEurope-tcp-443"
      description           = "policy (tag)"
      protocols             = ["TCP"]
      source_addresses      = ["10.20.2.0/24"]
      destination_addresses = ["Storage.WestEurope"]
      destination_ports     = ["443"]
    }
  }

  application_rule_collection {
    name     = "nasty-application"
    priority = 300
    action   = "Allow"

    rule {
      name              = "b-any.example.org-443"
      description       = "policy: two lines and a tab"
      source_addresses  = ["10.20.2.0/24"]
      destination_fqdns = ["*.example.org"]

      protocols {
        type = "Https"
        port = 443
      }
    }
  }

  timeouts {
    create = "2h"
    update = "2h"
    delete = "2h"
  }
}
