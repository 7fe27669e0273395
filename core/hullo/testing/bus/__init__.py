"""The claims that every bus makes, and those that a bus between processes makes beside them."""
