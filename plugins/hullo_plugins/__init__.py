"""The plugins that hullo ships. They are found as all plugins are: through entry points, by name."""
