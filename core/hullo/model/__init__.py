"""The nouns of hullo: frozen values, validated where they are made. No I/O, no clock, no randomness but `Moment.at`."""
