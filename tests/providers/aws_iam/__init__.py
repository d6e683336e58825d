"""Tests of the provider `aws-iam`, against the embedded AWS."""
