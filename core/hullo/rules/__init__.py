"""Pure rules that several operations share."""
