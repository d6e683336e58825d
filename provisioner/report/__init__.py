"""Plan, outcomes and diagnostics into text. Decides nothing, and lets no text from outside through unescaped."""
