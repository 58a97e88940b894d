"""From contents to accepted pairs: candidates, verification, rules."""
