"""Real servers and bulk data that tests stand on."""
