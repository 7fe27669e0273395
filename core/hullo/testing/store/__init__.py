"""What every store must do, as tests. `contract.py` puts them together."""
