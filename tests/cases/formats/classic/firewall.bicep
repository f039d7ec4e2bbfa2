// Written by tagwall: change the policy, not this file.

@description('Name of the firewall.')
param firewallName string = 'classic-firewall'

@description('Location of the resources.')
param location string = resourceGroup().location

@description('Zones of the firewall as it is.')
param zones array

@description('Tags of the firewall as it is.')
param tags object

@description('Properties of the firewall as it is: tier, addresses, DNAT rules and all else.')
param firewallProperties object

@description('The collections of network rules in the firewall that are not made here, as they are.')
param otherNetworkRuleCollections array

@description('The collections of application rules in the firewall that are not made here, as they are.')
param otherApplicationRuleCollections array

resource ipGroup_classic_BatchNodeManagement_WestEurope 'Microsoft.Network/ipGroups@2025-05-01' existing = {
  name: 'classic-BatchNodeManagement.WestEurope'
}

var networkRuleCollections = [
  {
    name: 'classic-network'
    properties: {
      priority: 400
      action: {
        type: 'Allow'
      }
      rules: [
        {
          name: 'a-198.51.100.7-32-f3a40f-tcp-443_8000-8010'
          description: 'policy: it\'s "q" \${x} $\${y} %{z} %%{z} $HOME $(id) `id` \\ \\n [a] @b; c, {d} <e> #f //g (as prefixes)'
          protocols: [
            'TCP'
          ]
          sourceAddresses: [
            '10.20.1.0/24'
            '10.20.3.0/24'
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
          name: 'a-AzureActiveDirectory-tcp-443'
          description: 'aml-compute aml-f2/tag: directory graph, by which the service looks up identities (tag)'
          protocols: [
            'TCP'
          ]
          sourceAddresses: [
            '10.20.1.0/24'
            '10.20.3.0/24'
          ]
          destinationAddresses: [
            'AzureActiveDirectory'
          ]
          destinationPorts: [
            '443'
          ]
        }
        {
          name: 'a-AzureMachineLearning-tcp-443_8787_18881'
          description: 'aml-compute aml-o1: Azure Machine Learning service (tag)'
          protocols: [
            'TCP'
          ]
          sourceAddresses: [
            '10.20.1.0/24'
            '10.20.3.0/24'
          ]
          destinationAddresses: [
            'AzureMachineLearning'
          ]
          destinationPorts: [
            '443'
            '8787'
            '18881'
          ]
        }
        {
          name: 'a-AzureMachineLearning-udp-5831'
          description: 'aml-compute aml-o2: managing the compute (tag)'
          protocols: [
            'UDP'
          ]
          sourceAddresses: [
            '10.20.1.0/24'
            '10.20.3.0/24'
          ]
          destinationAddresses: [
            'AzureMachineLearning'
          ]
          destinationPorts: [
            '5831'
          ]
        }
        {
          name: 'a-BatchNodeManagement.WestEurope-any-443'
          description: 'aml-compute aml-o3: Azure Batch, on which the compute is built (as IP group)'
          protocols: [
            'Any'
          ]
          sourceAddresses: [
            '10.20.1.0/24'
            '10.20.3.0/24'
          ]
          destinationIpGroups: [
            ipGroup_classic_BatchNodeManagement_WestEurope.id
          ]
          destinationPorts: [
            '443'
          ]
        }
        {
          name: 'a-Storage.WestEurope-tcp-443'
          description: 'aml-compute aml-o4, policy: storage accounts of Azure Batch and of the workspace (tag)'
          protocols: [
            'TCP'
          ]
          sourceAddresses: [
            '10.20.1.0/24'
            '10.20.3.0/24'
          ]
          destinationAddresses: [
            'Storage.WestEurope'
          ]
          destinationPorts: [
            '443'
          ]
        }
        {
          name: 'a-time.example.net-udp-123'
          description: 'policy (host name in a network rule)'
          protocols: [
            'UDP'
          ]
          sourceAddresses: [
            '10.20.1.0/24'
            '10.20.3.0/24'
          ]
          destinationFqdns: [
            'time.example.net'
          ]
          destinationPorts: [
            '123'
          ]
        }
      ]
    }
  }
]

var applicationRuleCollections = [
  {
    name: 'classic-application'
    properties: {
      priority: 500
      action: {
        type: 'Allow'
      }
      rules: [
        {
          name: 'a-WindowsUpdate-80_443'
          description: 'policy'
          protocols: [
            {
              protocolType: 'Http'
              port: 80
            }
            {
              protocolType: 'Https'
              port: 443
            }
          ]
          sourceAddresses: [
            '10.20.1.0/24'
            '10.20.3.0/24'
          ]
          fqdnTags: [
            'WindowsUpdate'
          ]
        }
        {
          name: 'a-any.example.org-80_443'
          description: 'policy'
          protocols: [
            {
              protocolType: 'Http'
              port: 80
            }
            {
              protocolType: 'Https'
              port: 443
            }
          ]
          sourceAddresses: [
            '10.20.1.0/24'
            '10.20.3.0/24'
          ]
          targetFqdns: [
            '*.example.org'
          ]
        }
        {
          name: 'a-example.org-80_443'
          description: 'policy'
          protocols: [
            {
              protocolType: 'Http'
              port: 80
            }
            {
              protocolType: 'Https'
              port: 443
            }
          ]
          sourceAddresses: [
            '10.20.1.0/24'
            '10.20.3.0/24'
          ]
          targetFqdns: [
            'example.org'
          ]
        }
      ]
    }
  }
]

resource firewall 'Microsoft.Network/azureFirewalls@2025-05-01' = {
  name: firewallName
  location: location
  zones: zones
  tags: tags
  properties: union(firewallProperties, {
    networkRuleCollections: concat(otherNetworkRuleCollections, networkRuleCollections)
    applicationRuleCollections: concat(otherApplicationRuleCollections, applicationRuleCollections)
  })
}
