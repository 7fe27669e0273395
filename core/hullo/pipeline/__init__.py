"""The stages of an identify, one file each: claim, verify, load, match, policy, link, decide, apply, tell."""
