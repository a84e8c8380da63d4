"""Where models, backends and devices meet; nothing else may know two of them at once."""
