"""The provider `ldap` against a real slapd, and against the embedded directory."""
