"""What Cratekeeper does: sequences of port calls that carry the domain's decisions out."""
