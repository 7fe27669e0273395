"""The demo: a shop with a few people, and a page that shows who its visitor is."""
