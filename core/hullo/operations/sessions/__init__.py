"""Operations on visitor sessions."""
