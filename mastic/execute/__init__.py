"""Plan → Run: carries plans to the agents on the hosts."""
