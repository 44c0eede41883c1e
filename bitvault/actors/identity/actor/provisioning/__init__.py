"""Groups and provisioning: who is in which group, by hand, by a directory or by a provider."""
