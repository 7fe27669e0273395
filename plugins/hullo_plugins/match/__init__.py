"""Who is it? One file a kind of identifier."""
