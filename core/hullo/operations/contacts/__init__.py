"""Operations on contacts."""
