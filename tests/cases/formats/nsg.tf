# Written by tagwall: change the policy, not this file.

resource "azurerm_network_security_group" "nsg" {
  name                = "nasty-nsg"
  location            = var.location
  resource_group_name = var.resource_group_name

  security_rule {
    name                       = "a-in-any-icmp"
    description                = "policy"
    priority                   = 1124
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Icmp"
    source_port_range          = "*"
    source_address_prefix      = "*"
    destination_port_range     = "*"
    destination_address_prefix = "10.20.1.0/24"
  }

  security_rule {
    name                       = "a-in-any-icmp-v6"
    description                = "policy"
    priority                   = 2049
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Icmp"
    source_port_range          = "*"
    source_address_prefix      = "*"
    destination_port_range     = "*"
    destination_address_prefix = "2001:db8:0:1::/64"
  }

  security_rule {
    name                       = "b-in-any-icmp"
    description                = "policy"
    priority                   = 2974
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Icmp"
    source_port_range          = "*"
    source_address_prefix      = "*"
    destination_port_range     = "*"
    destination_address_prefix = "10.20.2.0/24"
  }

  security_rule {
    name                       = "vnet-in"
    description                = "Inside the virtual network, by its address space: the tag VirtualNetwork would hold more"
    priority                   = 4000
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "10.20.0.0/16"
    destination_port_range     = "*"
    destination_address_prefix = "10.20.0.0/16"
  }

  security_rule {
    name                       = "vnet-in-v6"
    description                = "Inside the virtual network, by its address space: the tag VirtualNetwork would hold more"
    priority                   = 4001
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "2001:db8::/48"
    destination_port_range     = "*"
    destination_address_prefix = "2001:db8::/48"
  }

  security_rule {
    name                       = "load-balancer-in"
    description                = "Health probes of Azure Load Balancer"
    priority                   = 4050
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "AzureLoadBalancer"
    destination_port_range     = "*"
    destination_address_prefix = "*"
  }

  security_rule {
    name                       = "deny-rest-in"
    description                = "What is not allowed above is denied, before Azure's default rules can allow it"
    priority                   = 4096
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "*"
    destination_port_range     = "*"
    destination_address_prefix = "*"
  }

  security_rule {
    name                       = "a-out-192.0.2.1-32-any"
    description                = "policy: [parameters('x')] (192.0.2.1/32 as prefixes)"
    priority                   = 815
    direction                  = "Outbound"
    access                     = "Allow"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "10.20.1.0/24"
    destination_port_range     = "*"
    destination_address_prefix = "192.0.2.1/32"
  }

  security_rule {
    name                       = "a-out-192.0.2.2-32-esp"
    description                = "policy: =1+1 (192.0.2.2/32 as prefixes)"
    priority                   = 1432
    direction                  = "Outbound"
    access                     = "Allow"
    protocol                   = "Esp"
    source_port_range          = "*"
    source_address_prefix      = "10.20.1.0/24"
    destination_port_range     = "*"
    destination_address_prefix = "192.0.2.2/32"
  }

  security_rule {
    name                  = "a-out-198.51.100.7-32-a47163-tcp-443_8000-8010-v6"
    description           = "policy: it's \"q\" $${x} $$${y} %%{z} %%%{z} $HOME $(id) `id` \\ \\n [a] @b; c, {d} <e> #f //g (198.51.100.7/32, 203.0.113.0/25, 2001:db8:f::/56 as…"
    priority              = 2049
    direction             = "Outbound"
    access                = "Allow"
    protocol              = "Tcp"
    source_port_range     = "*"
    source_address_prefix = "2001:db8:0:1::/64"
    destination_port_ranges = [
      "443",
      "8000-8010",
    ]
    destination_address_prefix = "2001:db8:f::/56"
  }

  security_rule {
    name                       = "b-out-Storage.WestEurope-tcp-443"
    description                = "policy (tag Storage.WestEurope)"
    priority                   = 2666
    direction                  = "Outbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    source_address_prefix      = "10.20.2.0/24"
    destination_port_range     = "443"
    destination_address_prefix = "Storage.WestEurope"
  }

  security_rule {
    name              = "shared-out-198.51.100.7-32-a47163-tcp-443_8000-8010"
    description       = "policy: it's \"q\" $${x} $$${y} %%{z} %%%{z} $HOME $(id) `id` \\ \\n [a] @b; c, {d} <e> #f //g (198.51.100.7/32, 203.0.113.0/25, 2001:db8:f::/56 as…"
    priority          = 3283
    direction         = "Outbound"
    access            = "Allow"
    protocol          = "Tcp"
    source_port_range = "*"
    source_address_prefixes = [
      "10.20.1.0/24",
      "10.20.2.0/24",
    ]
    destination_port_ranges = [
      "443",
      "8000-8010",
    ]
    destination_address_prefixes = [
      "198.51.100.7/32",
      "203.0.113.0/25",
    ]
  }

  security_rule {
    name                       = "vnet-out"
    description                = "Inside the virtual network, by its address space: the tag VirtualNetwork would hold more"
    priority                   = 4000
    direction                  = "Outbound"
    access                     = "Allow"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "10.20.0.0/16"
    destination_port_range     = "*"
    destination_address_prefix = "10.20.0.0/16"
  }

  security_rule {
    name                       = "vnet-out-v6"
    description                = "Inside the virtual network, by its address space: the tag VirtualNetwork would hold more"
    priority                   = 4001
    direction                  = "Outbound"
    access                     = "Allow"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "2001:db8::/48"
    destination_port_range     = "*"
    destination_address_prefix = "2001:db8::/48"
  }

  security_rule {
    name                       = "deny-rest-out"
    description                = "What is not allowed above is denied, before Azure's default rules can allow it"
    priority                   = 4096
    direction                  = "Outbound"
    access                     = "Deny"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "*"
    destination_port_range     = "*"
    destination_address_prefix = "*"
  }
}
