"""What a server or an agent does to one person, or has said of them."""
