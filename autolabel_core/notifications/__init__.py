"""What others are told: batch events, webhooks, alerts."""
