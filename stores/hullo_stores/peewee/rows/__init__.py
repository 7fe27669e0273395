"""Rows and nouns: `x_row` returns the values of a table's columns in their order, `x_of` the reverse.

JSON goes through msgspec: a block of custom data is decoded to its facts in one typed call.
"""
