"""The nouns of hullo: frozen values, validated where they are made. No I/O, no clock; randomness only in
`RequestContext.at`."""
