// Written by tagwall: change the policy, not this file.

@description('Name of the existing firewall policy.')
param firewallPolicyName string = 'nasty-firewall-policy'

resource firewallPolicy 'Microsoft.Network/firewallPolicies@2025-05-01' existing = {
  name: firewallPolicyName
}

resource group_nasty_rules 'Microsoft.Network/firewallPolicies/ruleCollectionGroups@2025-05-01' = {
  parent: firewallPolicy
  name: 'nasty-rules'
  properties: {
    priority: 1000
    ruleCollections: [
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'nasty-network'
        priority: 200
        action: {
          type: 'Allow'
        }
        rules: [
          {
            ruleType: 'NetworkRule'
            name: 'a-192.0.2.1-32-any'
            description: 'policy: [parameters(\'x\')] (as prefixes)'
            ipProtocols: [
              'Any'
            ]
            sourceAddresses: [
              '10.20.1.0/24'
            ]
            destinationAddresses: [
              '192.0.2.1/32'
            ]
            destinationPorts: [
              '*'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'a-198.51.100.7-32-a47163-tcp-443_8000-8010'
            description: 'policy: it\'s "q" \${x} $\${y} %{z} %%{z} $HOME $(id) `id` \\ \\n [a] @b; c, {d} <e> #f //g (as prefixes)'
            ipProtocols: [
              'TCP'
            ]
            sourceAddresses: [
              '10.20.1.0/24'
            ]
            destinationAddresses: [
              '198.51.100.7/32'
              '203.0.113.0/25'
            ]
            destinationPorts: [
              '443'
              '8000-8010'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'b-198.51.100.7-32-a47163-tcp-443_8000-8010'
            description: 'policy: it\'s "q" \${x} $\${y} %{z} %%{z} $HOME $(id) `id` \\ \\n [a] @b; c, {d} <e> #f //g (as prefixes)'
            ipProtocols: [
              'TCP'
            ]
            sourceAddresses: [
              '10.20.2.0/24'
            ]
            destinationAddresses: [
              '198.51.100.7/32'
              '203.0.113.0/25'
            ]
            destinationPorts: [
              '443'
              '8000-8010'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'b-Storage.WestEurope-tcp-443'
            description: 'policy (tag)'
            ipProtocols: [
              'TCP'
            ]
            sourceAddresses: [
              '10.20.2.0/24'
            ]
            destinationAddresses: [
              'Storage.WestEurope'
            ]
            destinationPorts: [
              '443'
            ]
          }
        ]
      }
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'nasty-application'
        priority: 300
        action: {
          type: 'Allow'
        }
        rules: [
          {
            ruleType: 'ApplicationRule'
            name: 'b-any.example.org-443'
            description: 'policy: two lines and a tab'
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            sourceAddresses: [
              '10.20.2.0/24'
            ]
            targetFqdns: [
              '*.example.org'
            ]
          }
        ]
      }
    ]
  }
}
