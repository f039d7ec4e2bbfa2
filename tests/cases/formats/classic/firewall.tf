# Written by tagwall: change the policy, not this file.

resource "azurerm_firewall_network_rule_collection" "network" {
  name                = "classic-network"
  azure_firewall_name = var.firewall_name
  resource_group_name = var.resource_group_name
  priority            = 400
  action              = "Allow"

  rule {
    name        = "a-198.51.100.7-32-f3a40f-tcp-443_8000-8010"
    description = "policy: it's \"q\" $${x} $$${y} %%{z} %%%{z} $HOME $(id) `id` \\ \\n [a] @b; c, {d} <e> #f //g (as prefixes)"
    protocols   = ["TCP"]
    source_addresses = [
      "10.20.1.0/24",
      "10.20.3.0/24",
    ]
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
    name        = "a-AzureActiveDirectory-tcp-443"
    description = "aml-compute aml-f2/tag: directory graph, by which the service looks up identities (tag)"
    protocols   = ["TCP"]
    source_addresses = [
      "10.20.1.0/24",
      "10.20.3.0/24",
    ]
    destination_addresses = ["AzureActiveDirectory"]
    destination_ports     = ["443"]
  }

  rule {
    name        = "a-AzureMachineLearning-tcp-443_8787_18881"
    description = "aml-compute aml-o1: Azure Machine Learning service (tag)"
    protocols   = ["TCP"]
    source_addresses = [
      "10.20.1.0/24",
      "10.20.3.0/24",
    ]
    destination_addresses = ["AzureMachineLearning"]
    destination_ports = [
      "443",
      "8787",
      "18881",
    ]
  }

  rule {
    name        = "a-AzureMachineLearning-udp-5831"
    description = "aml-compute aml-o2: managing the compute (tag)"
    protocols   = ["UDP"]
    source_addresses = [
      "10.20.1.0/24",
      "10.20.3.0/24",
    ]
    destination_addresses = ["AzureMachineLearning"]
    destination_ports     = ["5831"]
  }

  rule {
    name        = "a-BatchNodeManagement.WestEurope-any-443"
    description = "aml-compute aml-o3: Azure Batch, on which the compute is built (as IP group)"
    protocols   = ["Any"]
    source_addresses = [
      "10.20.1.0/24",
      "10.20.3.0/24",
    ]
    destination_ip_groups = [azurerm_ip_group.ip_classic_BatchNodeManagement_WestEurope.id]
    destination_ports     = ["443"]
  }

  rule {
    name        = "a-Storage.WestEurope-tcp-443"
    description = "aml-compute aml-o4, policy: storage accounts of Azure Batch and of the workspace (tag)"
    protocols   = ["TCP"]
    source_addresses = [
      "10.20.1.0/24",
      "10.20.3.0/24",
    ]
    destination_addresses = ["Storage.WestEurope"]
    destination_ports     = ["443"]
  }

  rule {
    name        = "a-time.example.net-udp-123"
    description = "policy (host name in a network rule)"
    protocols   = ["UDP"]
    source_addresses = [
      "10.20.1.0/24",
      "10.20.3.0/24",
    ]
    destination_fqdns = ["time.example.net"]
    destination_ports = ["123"]
  }

  depends_on = [azurerm_ip_group.ip_classic_BatchNodeManagement_WestEurope]

  timeouts {
    create = "2h"
    update = "2h"
    delete = "2h"
  }
}

resource "azurerm_firewall_application_rule_collection" "application" {
  name                = "classic-application"
  azure_firewall_name = var.firewall_name
  resource_group_name = var.resource_group_name
  priority            = 500
  action              = "Allow"

  rule {
    name        = "a-WindowsUpdate-80_443"
    description = "policy"
    source_addresses = [
      "10.20.1.0/24",
      "10.20.3.0/24",
    ]
    fqdn_tags = ["WindowsUpdate"]

    protocol {
      type = "Http"
      port = 80
    }

    protocol {
      type = "Https"
      port = 443
    }
  }

  rule {
    name        = "a-any.example.org-80_443"
    description = "policy"
    source_addresses = [
      "10.20.1.0/24",
      "10.20.3.0/24",
    ]
    target_fqdns = ["*.example.org"]

    protocol {
      type = "Http"
      port = 80
    }

    protocol {
      type = "Https"
      port = 443
    }
  }

  rule {
    name        = "a-example.org-80_443"
    description = "policy"
    source_addresses = [
      "10.20.1.0/24",
      "10.20.3.0/24",
    ]
    target_fqdns = ["example.org"]

    protocol {
      type = "Http"
      port = 80
    }

    protocol {
      type = "Https"
      port = 443
    }
  }

  depends_on = [azurerm_firewall_network_rule_collection.network]

  timeouts {
    create = "2h"
    update = "2h"
    delete = "2h"
  }
}
