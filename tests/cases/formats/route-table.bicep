// Written by tagwall: change the policy, not this file.

@description('Location of the resources.')
param location string = resourceGroup().location

resource routeTable 'Microsoft.Network/routeTables@2025-05-01' = {
  name: 'nasty-routes'
  location: location
  properties: {
    disableBgpRoutePropagation: false
    routes: [
      {
        name: 'default'
        properties: {
          addressPrefix: '0.0.0.0/0'
          nextHopType: 'VirtualAppliance'
          nextHopIpAddress: '10.20.255.4'
        }
      }
      {
        name: 'default-v6'
        properties: {
          addressPrefix: '::/0'
          nextHopType: 'VirtualAppliance'
          nextHopIpAddress: '2001:db8::4'
        }
      }
    ]
  }
}
