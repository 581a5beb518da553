"""The operator of one machine: emulator, deployment, gateway, demo provider."""
