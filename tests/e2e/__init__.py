"""End-to-end scenarios on a real cloud: one stated obligation each, seen from outside through commands and state."""
