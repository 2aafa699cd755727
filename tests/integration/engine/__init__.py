"""The projection engine and each read model, against a real database."""
