"""Telling the owner: several ways out that do not depend on what failed, until it is acknowledged or well."""
