"""Hard sets with known answers: templates, insets, plain, faint, strangers, other shots."""
