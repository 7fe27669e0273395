"""The plugins that hullo ships. They come through the same door as anybody's: entry points, by name."""
