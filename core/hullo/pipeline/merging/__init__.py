"""Two contacts become one, and two again (rules G, C1, L4): by rule, by hand, or to settle a conflict."""
