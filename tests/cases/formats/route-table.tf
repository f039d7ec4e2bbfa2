# Written by tagwall: change the policy, not this file.

resource "azurerm_route_table" "route_table" {
  name                          = "nasty-routes"
  location                      = var.location
  resource_group_name           = var.resource_group_name
  bgp_route_propagation_enabled = true

  route {
    name                   = "default"
    address_prefix         = "0.0.0.0/0"
    next_hop_type          = "VirtualAppliance"
    next_hop_in_ip_address = "10.20.255.4"
  }

  route {
    name                   = "default-v6"
    address_prefix         = "::/0"
    next_hop_type          = "VirtualAppliance"
    next_hop_in_ip_address = "2001:db8::4"
  }
}
