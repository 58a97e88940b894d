"""From bytes to upright sRGB pixels."""
