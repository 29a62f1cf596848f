"""Notifications: batch events, webhooks, alerts."""
