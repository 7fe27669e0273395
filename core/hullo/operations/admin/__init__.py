"""Operations on apps, keys and the audit log."""
