"""From two pictures to evidence that both show the same pixels."""
