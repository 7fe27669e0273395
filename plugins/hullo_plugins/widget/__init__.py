"""The browser SDK: its source (`source/`), what pages are served of it (`built/`), and the plugin that serves it."""
