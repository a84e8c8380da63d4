"""What fewer bits cost: inputs to take ranges from, and a reference whose numbers are rounded."""
