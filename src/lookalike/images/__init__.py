"""Turn bytes into upright sRGB pixels."""
