"""What people and machines see of the main path: plans, events, problems, results."""
