"""The contract with plugins: the specs, a typed relay over pluggy, and discovery by name."""
