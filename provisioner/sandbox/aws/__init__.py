"""The embedded AWS: IAM and STS over HTTP on loopback, for `provision demo`, `provision sandbox` and the tests.

`AwsServer` is all that others use. Importing it loads neither moto nor boto3: `start()` does.
"""

from provisioner.sandbox.aws.server import MEMBER_ROLES, OPERATOR, AwsServer

__all__ = ["MEMBER_ROLES", "OPERATOR", "AwsServer"]
