"""Hard sets with known answers: templates, insets, rephotographed, plain, strangers, shots."""
