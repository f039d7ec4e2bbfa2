// Written by tagwall: change the policy, not this file.

@description('Location of the resources.')
param location string = resourceGroup().location

resource nsg 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nasty-nsg'
  location: location
  properties: {
    securityRules: [
      {
        name: 'a-in-any-icmp'
        properties: {
          description: 'policy'
          priority: 1124
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Icmp'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '10.20.1.0/24'
          destinationPortRange: '*'
        }
      }
      {
        name: 'a-in-any-icmp-v6'
        properties: {
          description: 'policy'
          priority: 2049
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Icmp'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '2001:db8:0:1::/64'
          destinationPortRange: '*'
        }
      }
      {
        name: 'b-in-any-icmp'
        properties: {
          description: 'policy'
          priority: 2974
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Icmp'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '10.20.2.0/24'
          destinationPortRange: '*'
        }
      }
      {
        name: 'vnet-in'
        properties: {
          description: 'Inside the virtual network, by its address space: the tag VirtualNetwork would hold more'
          priority: 4000
          direction: 'Inbound'
          access: 'Allow'
          protocol: '*'
          sourceAddressPrefix: '10.20.0.0/16'
          sourcePortRange: '*'
          destinationAddressPrefix: '10.20.0.0/16'
          destinationPortRange: '*'
        }
      }
      {
        name: 'vnet-in-v6'
        properties: {
          description: 'Inside the virtual network, by its address space: the tag VirtualNetwork would hold more'
          priority: 4001
          direction: 'Inbound'
          access: 'Allow'
          protocol: '*'
          sourceAddressPrefix: '2001:db8::/48'
          sourcePortRange: '*'
          destinationAddressPrefix: '2001:db8::/48'
          destinationPortRange: '*'
        }
      }
      {
        name: 'load-balancer-in'
        properties: {
          description: 'Health probes of Azure Load Balancer'
          priority: 4050
          direction: 'Inbound'
          access: 'Allow'
          protocol: '*'
          sourceAddressPrefix: 'AzureLoadBalancer'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
      {
        name: 'deny-rest-in'
        properties: {
          description: 'What is not allowed above is denied, before Azure\'s default rules can allow it'
          priority: 4096
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
      {
        name: 'a-out-192.0.2.1-32-any'
        properties: {
          description: 'policy: [parameters(\'x\')] (192.0.2.1/32 as prefixes)'
          priority: 815
          direction: 'Outbound'
          access: 'Allow'
          protocol: '*'
          sourceAddressPrefix: '10.20.1.0/24'
          sourcePortRange: '*'
          destinationAddressPrefix: '192.0.2.1/32'
          destinationPortRange: '*'
        }
      }
      {
        name: 'a-out-192.0.2.2-32-esp'
        properties: {
          description: 'policy: =1+1 (192.0.2.2/32 as prefixes)'
          priority: 1432
          direction: 'Outbound'
          access: 'Allow'
          protocol: 'Esp'
          sourceAddressPrefix: '10.20.1.0/24'
          sourcePortRange: '*'
          destinationAddressPrefix: '192.0.2.2/32'
          destinationPortRange: '*'
        }
      }
      {
        name: 'a-out-198.51.100.7-32-a47163-tcp-443_8000-8010-v6'
        properties: {
          description: 'policy: it\'s "q" \${x} $\${y} %{z} %%{z} $HOME $(id) `id` \\ \\n [a] @b; c, {d} <e> #f //g (198.51.100.7/32, 203.0.113.0/25, 2001:db8:f::/56 as…'
          priority: 2049
          direction: 'Outbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: '2001:db8:0:1::/64'
          sourcePortRange: '*'
          destinationAddressPrefix: '2001:db8:f::/56'
          destinationPortRanges: [
            '443'
            '8000-8010'
          ]
        }
      }
      {
        name: 'b-out-Storage.WestEurope-tcp-443'
        properties: {
          description: 'policy (tag Storage.WestEurope)'
          priority: 2666
          direction: 'Outbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: '10.20.2.0/24'
          sourcePortRange: '*'
          destinationAddressPrefix: 'Storage.WestEurope'
          destinationPortRange: '443'
        }
      }
      {
        name: 'shared-out-198.51.100.7-32-a47163-tcp-443_8000-8010'
        properties: {
          description: 'policy: it\'s "q" \${x} $\${y} %{z} %%{z} $HOME $(id) `id` \\ \\n [a] @b; c, {d} <e> #f //g (198.51.100.7/32, 203.0.113.0/25, 2001:db8:f::/56 as…'
          priority: 3283
          direction: 'Outbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefixes: [
            '10.20.1.0/24'
            '10.20.2.0/24'
          ]
          sourcePortRange: '*'
          destinationAddressPrefixes: [
            '198.51.100.7/32'
            '203.0.113.0/25'
          ]
          destinationPortRanges: [
            '443'
            '8000-8010'
          ]
        }
      }
      {
        name: 'vnet-out'
        properties: {
          description: 'Inside the virtual network, by its address space: the tag VirtualNetwork would hold more'
          priority: 4000
          direction: 'Outbound'
          access: 'Allow'
          protocol: '*'
          sourceAddressPrefix: '10.20.0.0/16'
          sourcePortRange: '*'
          destinationAddressPrefix: '10.20.0.0/16'
          destinationPortRange: '*'
        }
      }
      {
        name: 'vnet-out-v6'
        properties: {
          description: 'Inside the virtual network, by its address space: the tag VirtualNetwork would hold more'
          priority: 4001
          direction: 'Outbound'
          access: 'Allow'
          protocol: '*'
          sourceAddressPrefix: '2001:db8::/48'
          sourcePortRange: '*'
          destinationAddressPrefix: '2001:db8::/48'
          destinationPortRange: '*'
        }
      }
      {
        name: 'deny-rest-out'
        properties: {
          description: 'What is not allowed above is denied, before Azure\'s default rules can allow it'
          priority: 4096
          direction: 'Outbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}
