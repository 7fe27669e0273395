"""The demo: a shop with hullo mounted in it, and its help centre, another site. `hullo serve --demo` serves both."""
