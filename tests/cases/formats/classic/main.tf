# Written by tagwall: change the policy, not this file.

terraform {
  required_version = ">= 1.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.0, < 6.0"
    }
  }
}

provider "azurerm" {
  features {}
}

variable "resource_group_name" {
  description = "Resource group of the resources."
  type        = string
}

variable "location" {
  description = "Location of the resources."
  type        = string
  default     = "westeurope"
}

variable "firewall_name" {
  description = "Name of the existing firewall."
  type        = string
  default     = "classic-firewall"
}
