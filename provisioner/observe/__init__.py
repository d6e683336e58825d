"""Targets -> live State + Coverage, and whose each account is."""
